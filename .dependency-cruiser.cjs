// Which folder may import which: the architecture, held by `npm run lint`. Run over `src` and `projections`.
//
// Each entry of PLACES is one place in the tree and everything it may import; whatever is not named there is an error,
// so a new dependency between two folders, or on a package, is a line in this file and is seen in review. Anything may
// import itself. A new folder is one entry.
//
// Rules are patterns over paths from the root; a package is `node_modules/NAME/`, a module of Node its bare name.

/** Code of the project, by place. */
const PATHS = {
  clock: '^src/clock\\.ts$',
  port: '^src/event-store/event-store\\.ts$',
  contract: '^src/contract/',
  reckoning: '^src/contract/(?:calendar|money)\\.ts$',
  evidence: '^src/evidence/',
  sqlite: '^src/event-store/sqlite/',
  eventstoredb: '^src/event-store/eventstoredb/',
  commands: '^src/commands/',
  subscriptions: '^src/subscriptions/',
  watch: '^src/watch/',
  projections: '^projections/',
  log: '^src/log/',
  access: '^src/access/',
  http: '^src/http/',
  client: '^src/client/',
  web: '^src/web/',
  demo: '^src/demo/',
  wiring:
    '^src/(?:main|app\\.module|waybook|open-store|version|config|cli|heap|projector-worker|replay-worker|build-worker)\\.ts$|^src/cli/',
};

/** Specs stand beside the code and may import what they need to test it; nothing imports a spec. */
const SPEC = '\\.spec\\.ts$';

/** Packages by name; types for one count as the package itself. */
const packages = (...names) => names.map((name) => `^node_modules/(?:@types/)?${name}/`);

const NEST = '@nestjs/[^/]+';

/**
 * `at`: the files that the entry holds for. `may`: everything that they may import besides themselves. `types`: what
 * they may name as types only, which leaves nothing behind when compiled. `node`: which of Node's own modules, or `any`;
 * none where it is left out.
 */
const PLACES = [
  {
    name: 'contract',
    why: 'The rules of a contract are pure: no clock, no store, no framework.',
    at: PATHS.contract,
    // class-validator's metadata needs reflect-metadata and is compiled into schemas for ajv; amounts need the minor
    // units of ISO 4217; ids are kept as hashes. All four are pure, and stand in the folder's README.
    may: packages('class-validator', 'class-transformer', 'ajv', 'currency-codes', 'reflect-metadata'),
    node: ['crypto'],
  },
  {
    name: 'evidence',
    why: 'Formats and proofs must be checkable by someone who has nothing else of Waybook.',
    at: PATHS.evidence,
    may: [PATHS.clock, ...packages('jose')],
    node: ['crypto'],
  },
  {
    name: 'event-store-port',
    why: 'The port knows of no store, and of nothing that is stored.',
    at: PATHS.port,
    may: [PATHS.clock],
  },
  {
    name: 'event-store-sqlite',
    why: 'An adapter knows the port and its own driver, never its sibling.',
    at: PATHS.sqlite,
    may: [PATHS.clock, PATHS.port, ...packages('better-sqlite3')],
    node: 'any',
  },
  {
    name: 'event-store-eventstoredb',
    why: 'An adapter knows the port and its own driver, never its sibling.',
    at: PATHS.eventstoredb,
    may: [PATHS.clock, PATHS.port, ...packages('@eventstore/db-client')],
    node: 'any',
  },
  {
    name: 'commands',
    why: 'Loading, deciding and appending work without a framework: Nest stands in the handler file only.',
    at: PATHS.commands,
    except: '^src/commands/record-events\\.ts$',
    may: [PATHS.clock, PATHS.contract, PATHS.evidence, PATHS.port],
    node: 'any',
  },
  {
    name: 'commands-handler',
    why: 'The handler is where Nest meets the commands, and does nothing else.',
    at: '^src/commands/record-events\\.ts$',
    may: [PATHS.clock, PATHS.commands, PATHS.contract, PATHS.evidence, PATHS.port, ...packages(NEST)],
    node: 'any',
  },
  {
    name: 'subscriptions',
    why: 'Events come from the port and go to projections; who asked, and over what, is not known here.',
    at: PATHS.subscriptions,
    except: '^src/subscriptions/(?:(?:sqlite|postgres)-connection|leadership)\\.ts$',
    // Evidence, because a stored event is a record: it is decoded, and its chain checked, before anything is folded.
    may: [PATHS.clock, PATHS.port, PATHS.contract, PATHS.evidence, PATHS.projections, ...packages('kysely')],
    node: 'any',
    types: packages('better-sqlite3', 'pg'),
  },
  {
    name: 'subscriptions-connections',
    why: 'The databases of the read model are opened in one file each, and locked in one; all else speaks kysely.',
    at: '^src/subscriptions/(?:(?:sqlite|postgres)-connection|leadership)\\.ts$',
    may: [
      PATHS.clock,
      PATHS.subscriptions,
      `${PATHS.projections}projection\\.ts$`,
      ...packages('kysely', 'better-sqlite3', 'pg', 'pg-copy-streams'),
    ],
    node: 'any',
  },
  {
    name: 'watch',
    why: 'Deadlines are noticed by what was recorded, and answered by commands.',
    at: PATHS.watch,
    may: [PATHS.clock, PATHS.commands, PATHS.subscriptions, PATHS.contract],
    node: 'any',
  },
  {
    name: 'projection-type',
    why: 'What a projection is depends on no projection.',
    at: '^projections/projection\\.ts$',
    may: [PATHS.contract, ...packages('kysely')],
  },
  {
    name: 'projection-registry',
    why: 'The registry is a list of folders.',
    at: '^projections/index\\.ts$',
    may: [PATHS.projections],
  },
  {
    name: 'projection',
    why: 'A read model depends on facts of the contract and on its own tables, never on another read model.',
    at: '^projections/([^/]+)/',
    // $1 is the folder that `at` matched.
    itself: '^projections/$1/',
    may: ['^projections/projection\\.ts$', PATHS.contract, ...packages('kysely')],
  },
  {
    name: 'log',
    why: 'The log repeats what the stores hold, in a form that others can check.',
    at: PATHS.log,
    may: [PATHS.clock, PATHS.port, PATHS.subscriptions, PATHS.evidence],
    node: 'any',
  },
  {
    name: 'access',
    why: 'Who may do what rests on the party streams, not on how a request came.',
    at: PATHS.access,
    may: [PATHS.clock, PATHS.port, PATHS.evidence, ...packages('jose')],
    node: 'any',
    types: [PATHS.contract],
  },
  {
    name: 'http',
    why: 'HTTP reaches the stores through commands and read models, never through an adapter or a driver.',
    at: PATHS.http,
    // Contract, because the OpenAPI document is made from the payload classes; the port, because its errors become
    // problem details here.
    may: [
      PATHS.clock,
      PATHS.port,
      PATHS.commands,
      PATHS.subscriptions,
      PATHS.log,
      PATHS.access,
      PATHS.evidence,
      PATHS.projections,
      PATHS.contract,
      ...packages(
        NEST,
        'class-transformer',
        'class-validator',
        'csv-stringify',
        'fastify',
        'jsonc-parser',
        'prom-client',
        'reflect-metadata',
        'rxjs',
      ),
    ],
    node: 'any',
  },
  {
    name: 'client',
    why: 'The client library is what a party runs on its own machine: nothing of the server comes with it.',
    at: PATHS.client,
    may: [PATHS.clock, PATHS.evidence, ...packages('jose')],
    node: 'any',
    types: [PATHS.contract],
  },
  {
    name: 'web',
    why: 'The browser sees what any client sees.',
    at: PATHS.web,
    may: [PATHS.clock, PATHS.client],
  },
  {
    name: 'demo',
    why: 'The demonstration uses the ledger as its parties would, over HTTP.',
    at: PATHS.demo,
    // A party reckons days and amounts by itself, and no otherwise than the ledger does.
    may: [PATHS.clock, PATHS.client, PATHS.reckoning],
    node: 'any',
    types: [PATHS.contract],
  },
  {
    name: 'clock',
    why: 'Everything depends on the clock, so it depends on nothing.',
    at: PATHS.clock,
    may: [],
  },
];

const anyOf = (patterns) => patterns.join('|');

function rulesOf({ name, why, at, except, itself = at, may, types = [], node = [] }) {
  const modules = node === 'any' ? [] : node.map((module) => `^(?:node:)?${module}$`);
  const from = { path: at, pathNot: anyOf(except === undefined ? [SPEC] : [SPEC, except]) };
  const rules = [
    {
      name: `place-${name}`,
      severity: 'error',
      comment: why,
      from,
      to: {
        pathNot: anyOf([itself, ...may, ...types, ...modules]),
        ...(node === 'any' ? { dependencyTypesNot: ['core'] } : {}),
      },
    },
  ];
  if (types.length > 0)
    rules.push({
      name: `types-only-${name}`,
      severity: 'error',
      comment: `${why} This may be named as a type, with \`import type\`, but not used.`,
      from,
      to: { path: anyOf(types), pathNot: anyOf([itself, ...may]), dependencyTypesNot: ['type-only'] },
    });
  return rules;
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...PLACES.flatMap(rulesOf),
    {
      name: 'place-unknown',
      severity: 'error',
      comment: 'A file that belongs to no place has no rules: give its folder an entry in .dependency-cruiser.cjs.',
      from: {
        path: '^(?:src|projections)/',
        pathNot: anyOf([...PLACES.map(({ at }) => at), PATHS.wiring]),
      },
      to: {},
    },
    {
      name: 'projections-do-not-decide',
      severity: 'error',
      comment: 'Projections take facts and calculators of the contract; what may be recorded is not their question.',
      from: { path: PATHS.projections, pathNot: SPEC },
      to: { path: '^src/contract/contract\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment:
        'Modules that need each other load in an order nobody chose. A cycle through types alone is gone once compiled: ' +
        'the families of events and the state that they fold into name each other so.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'A module that neither imports nor is imported is dead, or wired up by nobody.',
      from: { orphan: true, pathNot: ['\\.d\\.ts$', SPEC, '^projections/index\\.ts$', PATHS.wiring] },
      to: {},
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'An import that leads nowhere would escape every other rule.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      comment: 'What is needed to run must be there where only `dependencies` are installed.',
      from: { path: '^(?:src|projections)/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '^node_modules/@types/' },
    },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      comment: 'A package that only another package asked for may be gone, or another version, tomorrow.',
      from: { path: '^(?:src|projections)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'not-to-tests',
      severity: 'error',
      comment: 'The product does not know its tests, nor the scripts around it.',
      from: { path: '^(?:src|projections)/', pathNot: SPEC },
      to: { path: ['^test/', '^\\.ci/', '^dist/', SPEC] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    // Imports that exist only as types count too: the direction of knowledge is what is held here.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    // `./clock.js` in an import means `./clock.ts` on disk, as in TypeScript's `nodenext`.
    enhancedResolveOptions: {
      extensions: ['.ts', '.d.ts', '.js', '.mjs', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
