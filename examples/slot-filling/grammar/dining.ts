import type { Domain } from './expand.js';
import { city, cuisine, date, people, price, restaurant, time } from './values.js';

/** Tables in restaurants: the cities, dates, times and many words of the journeys, in slots of their own. */
export const dining: Domain = {
  intents: {
    book_table: [
      '(please|can you|) book (a table|us a table|me a table) <details>',
      '(i|we) (want|need|would like) (a table|to eat|to have dinner) <details>',
      'a table (at {restaurant}|in {location}) for {party_size} (people|) (on {date}|at {time})',
      '{party_size} (people|of us) at {restaurant} on {date} (at {time}|)',
      '{time} at {restaurant} (in {location}|) please',
      '{restaurant} at {time} (for {party_size}|)',
    ],
    find_restaurant: [
      '(show me|find me|is there|give me) (a|some) {cuisine} (place|restaurant|food) <where>',
      'where can (i|we) (eat|get) {cuisine} (food|) <where>',
      '(anything|dinner|{cuisine}) (under|below) {price} (dollars|euros) <where>',
      '(which|what) {cuisine} restaurants are <where> (and open at {time}|)',
    ],
    move_booking: [
      '(move|change) my (table|booking) from {old_time} to {new_time}',
      '(move|change) (my|our) (table|booking) (at {restaurant}|in {location}) to {new_time}',
      'make it {new_time} instead of {old_time}',
      'we (leave|arrive) later so please move our table to {new_time}',
    ],
    cancel_booking: [
      '(please|) cancel my (table|booking) (at {restaurant}|on {date}|in {location})',
      'i (cannot|will not) make the {time} table at {restaurant} please cancel',
    ],
    opening_hours: [
      'when does {restaurant} (open|close) (on {date}|)',
      'is {restaurant} in {location} open (on {date}|at {time})',
      'what time does the (kitchen|bar) of {restaurant} close',
    ],
  },
  rules: {
    where: ['in {location}', 'in {location}', 'near {location}', 'on the way to {location}', 'around {location}'],
    details: [
      'at {restaurant} (on {date}|at {time}|for {party_size})',
      'for {party_size} in {location} (on {date}|at {time}|)',
      'in {location} on {date} (at {time}|)',
      'at {time} (at {restaurant}|in {location})',
    ],
  },
  values: {
    location: city,
    restaurant,
    cuisine,
    party_size: people,
    date,
    time,
    old_time: time,
    new_time: time,
    price,
  },
};
