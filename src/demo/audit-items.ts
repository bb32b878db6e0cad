/** What the generated cases of the audit programme are about. Made up, but for the name of the E-2D. */

/** What one kind of case orders. */
export interface Kind {
  readonly title: string;
  /** Letter of the designator: which service the case is for. */
  readonly service: 'B' | 'P' | 'D';
  readonly items: readonly (readonly [name: string, unit: 'EA' | 'SET'])[];
}

export const E2D: Kind = {
  title: 'E-2D support equipment',
  service: 'D',
  items: [
    ['Hydraulic test stands', 'SET'],
    ['Engine handling trailers', 'EA'],
    ['Radome maintenance kits', 'SET'],
    ['Antenna test adapters', 'EA'],
  ],
};
export const KINDS: readonly Kind[] = [
  {
    title: 'Surveillance radar spares',
    service: 'D',
    items: [
      ['Transmitter modules', 'EA'],
      ['Receiver modules', 'EA'],
      ['Cooling units', 'SET'],
    ],
  },
  {
    title: 'Airborne communication equipment',
    service: 'D',
    items: [
      ['Data link terminals', 'EA'],
      ['Antennas', 'EA'],
      ['Test loads', 'EA'],
    ],
  },
  {
    title: 'Aircraft engine modules',
    service: 'D',
    items: [
      ['Fan modules', 'EA'],
      ['Control units', 'EA'],
      ['Borescope kits', 'SET'],
    ],
  },
  {
    title: 'Shipboard launcher components',
    service: 'P',
    items: [
      ['Control consoles', 'SET'],
      ['Power supplies', 'EA'],
      ['Hatch assemblies', 'EA'],
    ],
  },
  {
    title: 'Sonar processing equipment',
    service: 'P',
    items: [
      ['Signal processors', 'EA'],
      ['Display consoles', 'SET'],
      ['Cable sets', 'SET'],
    ],
  },
  {
    title: 'Maritime helicopter support',
    service: 'P',
    items: [
      ['Gearbox assemblies', 'EA'],
      ['Rotor blades', 'EA'],
      ['Tool sets', 'SET'],
    ],
  },
  {
    title: 'Ground vehicle components',
    service: 'B',
    items: [
      ['Power packs', 'EA'],
      ['Track assemblies', 'SET'],
      ['Sight units', 'EA'],
    ],
  },
  {
    title: 'Training simulators',
    service: 'B',
    items: [
      ['Simulator cabins', 'SET'],
      ['Image generators', 'EA'],
      ['Instructor stations', 'EA'],
    ],
  },
  {
    title: 'Field communication terminals',
    service: 'B',
    items: [
      ['Terminals', 'EA'],
      ['Vehicle mounts', 'EA'],
      ['Repeaters', 'SET'],
    ],
  },
];
