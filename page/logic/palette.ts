/** The colours of the page and of the reports of `oxbow train`, each in a light and in a dark theme. */
export const palette = {
  ground: ['#f3f3ef', '#15171a'],
  card: ['#ffffff', '#202326'],
  ink: ['#1c1f22', '#eceeef'],
  quiet: ['#50575e', '#b2b9bf'],
  line: ['#767d84', '#868d93'],
  grid: ['#e2e2de', '#34393d'],
  accent: ['#0b5c8a', '#7cc4ef'],
  'on-accent': ['#ffffff', '#10222e'],
  soft: ['#8a5a12', '#d9a55a'],
  wrong: ['#a3180b', '#ff9d91'],
  'surprise-1': ['#fff7dc', '#2e2a22'],
  'surprise-2': ['#ffeab0', '#3f331f'],
  'surprise-3': ['#fedb7d', '#523c1a'],
  'surprise-4': ['#fdc24f', '#674514'],
  'surprise-5': ['#f9a23c', '#7e4d0e'],
  'surprise-6': ['#ef8131', '#964f0b'],
  'surprise-7': ['#dd6a2f', '#a94f12'],
  'unit-m4': ['#559bd0', '#176296'],
  'unit-m3': ['#7fb6de', '#1c5177'],
  'unit-m2': ['#b0d2ec', '#1f3f57'],
  'unit-m1': ['#dbeaf6', '#1f2e3a'],
  'unit-1': ['#fde6cf', '#3a2d20'],
  'unit-2': ['#fbc893', '#57391c'],
  'unit-3': ['#f5a65a', '#774516'],
  'unit-4': ['#e8832f', '#994f10'],
  'slot-0': ['#cfe3f3', '#1d4462'],
  'slot-1': ['#fbe0b8', '#5f4110'],
  'slot-2': ['#cdebdc', '#1a4d38'],
  'slot-3': ['#f3d3e3', '#5c2944'],
  'slot-4': ['#e0dbf5', '#403672'],
  'slot-5': ['#ece6b4', '#4d480f'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

export type Colour = keyof typeof palette;

/** Colours as custom properties of CSS, `--ink: …`; by default all of them. */
export const customProperties = (names = Object.keys(palette) as readonly Colour[]): string =>
  `:root {\n${names.map((name) => `  --${name}: light-dark(${palette[name].join(', ')});\n`).join('')}}\n`;
