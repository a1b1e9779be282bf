/** What slots are filled with. Lists for what everybody knows, rules for what nobody can list. */
import type { RandomGenerator } from 'oxbow';
import { oneOf, skewed } from './expand.js';

const list = (text: string): readonly string[] => text.split(',').map((name) => name.trim());

const knownCities = list(
  `Taipei, London, New York, Paris, Tokyo, San Francisco, Berlin, Boston, Hong Kong, Madrid, Rome, Los Angeles, Chicago,
  Vienna, Rio de Janeiro, Seoul, Mexico City, Sydney, Las Vegas, Cairo, Buenos Aires, Dublin, St. Louis, Oslo, Cape Town,
  Prague, New Delhi, Lisbon, Kuala Lumpur, Athens, San Diego, Helsinki, Salt Lake City, Nairobi, Warsaw, Tel Aviv, Lima,
  Ho Chi Minh City, Denver, Stockholm, Santiago de Chile, Zurich, Beijing, New Orleans, Budapest, Addis Ababa, Hanoi,
  Fort Worth, Porto, Saint Petersburg, Bergen, Kansas City, Turin, Abu Dhabi, Graz, La Paz, Utrecht, Santa Fe, Malmö`,
);

const starts = list('Kar, Ol, Te, Mar, Vel, Bran, Sol, Dun, Ash, Lin, Or, Fen, Hal, Ro, Wes, Tam, Ny, Gre, Pel, Is');
const middles = ['', 'a', 'e', 'i', 'o', 'en', 'ar', 'il'];
const ends = list('dale, vale, mira, ton, burg, ville, haven, stad, field, grad, mouth, ford, loro, heim, bury, wick');
const before = list('Port, New, San, Lake, Upper, Fort, Saint, El');
const after = list('City, Beach, Springs, Falls, Park');

const name = (random: RandomGenerator): string => oneOf(random, starts) + oneOf(random, middles) + oneOf(random, ends);

/** A city that is on no list, of one word or two: Karodale, Port Telmira, Ashford Falls. */
function newCity(random: RandomGenerator): string {
  const city = name(random);
  const form = random.below(10);
  if (form < 2) return `${oneOf(random, before)} ${city}`;
  return form < 4 ? `${city} ${oneOf(random, after)}` : city;
}

export const city = (random: RandomGenerator): string =>
  random.below(5) === 0 ? newCity(random) : skewed(random, knownCities);

const months = list('January, February, March, April, May, June, July, August, September, October, November, December');
const weekdays = list('Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday');
const numbers = list('one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve');

const ordinal = (day: number): string => {
  const teen = day >= 11 && day <= 13;
  return `${day}${teen ? 'th' : (['th', 'st', 'nd', 'rd'][day % 10] ?? 'th')}`;
};
const day = (random: RandomGenerator): string => ordinal(1 + random.below(31));

export function date(random: RandomGenerator): string {
  switch (random.below(7)) {
    case 0:
      return `the ${day(random)} of ${oneOf(random, months)}`;
    case 1:
      return `${oneOf(random, ['next', 'this'])} ${oneOf(random, weekdays)}`;
    case 2:
      return oneOf(random, weekdays);
    case 3:
      return `the ${day(random)}`;
    default:
      return `${oneOf(random, months)} ${day(random)}`;
  }
}

export function time(random: RandomGenerator): string {
  const hour = 1 + random.below(12);
  const half = oneOf(random, ['am', 'pm']);
  switch (random.below(7)) {
    case 0:
      return oneOf(random, ['noon', 'midnight', 'six in the evening', 'eight in the morning']);
    case 1:
      return `half past ${oneOf(random, numbers)}`;
    case 2:
      return `${hour} o'clock`;
    case 3:
    case 4:
      return `${hour}:${String(random.below(60)).padStart(2, '0')} ${half}`;
    default:
      return `${hour} ${half}`;
  }
}

const knownAirlines = list(
  'United, Lufthansa, Delta, British Airways, EVA Air, KLM, Air France, Qantas, Cathay Pacific, American Airlines, Iberia',
);
const airlineEnds = list('Air, Airways, Airlines, Wings, Express');
export const airline = (random: RandomGenerator): string =>
  random.below(6) === 0 ? `${name(random)} ${oneOf(random, airlineEnds)}` : skewed(random, knownAirlines);

export const cabin = (random: RandomGenerator): string =>
  oneOf(random, ['business', 'first class', 'economy', 'premium economy', 'business class']);

/** Numbers that hardly ever come twice. */
export const flightNumber = (random: RandomGenerator): string => String(10 + random.below(4990));
export const price = (random: RandomGenerator): string => String(20 + random.below(1980));

const adjectives = list('Golden, Blue, Hungry, Silent, Red, Little, Rusty, Green, Lucky, Old, Wild, Velvet');
const things = list('Otter, Lantern, Fox, Table, Anchor, Spoon, Dragon, Goose, Garden, Barrel, Lemon, Heron');
const knownRestaurants = list('Noma, La Strada, Bella Napoli, Din Tai Fung, Joe, The Ritz, Osteria Lucia, Sakura');

export function restaurant(random: RandomGenerator): string {
  switch (random.below(5)) {
    case 0:
      return `The ${oneOf(random, adjectives)} ${oneOf(random, things)}`;
    case 1:
      return `${oneOf(random, ['Chez', 'Casa', 'Trattoria', 'Café'])} ${name(random)}`;
    case 2:
      return `${name(random)}'s`;
    default:
      return skewed(random, knownRestaurants);
  }
}

export const cuisine = (random: RandomGenerator): string =>
  skewed(
    random,
    list(
      'Italian, Thai, Japanese, Mexican, Indian, French, Greek, Dim Sum, Korean, Middle Eastern, Vegan, Tapas, Peruvian',
    ),
  );

export const people = (random: RandomGenerator): string =>
  random.below(3) === 0 ? oneOf(random, numbers) : String(1 + random.below(20));
