import { Ajv2020 } from 'ajv/dist/2020.js';
import { eventTypes } from '../contract/contract.js';
import { bodyTypes } from './api.js';
import { docsPage } from './docs-page.js';
import { mergedPaths } from './http.module.js';
import { openApiDocument, problemAnchor } from './openapi.js';
import { PROBLEMS, type ProblemCode } from './problem.js';

const document = openApiDocument(mergedPaths([]), { version: '1.2.3' });

/** Every `$ref` in the document. */
function refs(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === '$ref' && typeof inner === 'string' ? [inner] : refs(inner),
  );
}

test('what the document points at is in it', () => {
  for (const ref of new Set(refs(document))) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(ref)?.[1] ?? ref;
    expect(document.components.schemas).toHaveProperty([name]);
  }
});

test('operations are as OpenAPI 3.1 wants them', () => {
  const ids = new Set<string>();
  for (const [path, item] of Object.entries(document.paths)) {
    expect(path.startsWith('/')).toBe(true);
    for (const [method, operation] of Object.entries(item)) {
      expect(['get', 'post']).toContain(method);
      expect(ids.has(operation.operationId)).toBe(false);
      ids.add(operation.operationId);
      expect(document.tags.map(({ name }) => name)).toEqual(expect.arrayContaining([...operation.tags]));
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(named.map(({ name }) => name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      expect(named.every(({ required }) => required === true)).toBe(true);
      expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^[2-5]\d\d$/);
        expect(response.description).not.toBe('');
      }
    }
  }
});

test('all schemas compile as JSON Schema 2020-12, and take what the ledger takes', () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, validateFormats: false, discriminator: false });
  ajv.addVocabulary(['discriminator']);
  const checker = (name: string) =>
    ajv.compile({ $ref: `#/components/schemas/${name}`, components: document.components });
  ajv.addVocabulary(['components']);
  for (const name of Object.keys(document.components.schemas)) expect(checker(name)).toBeInstanceOf(Function);
  const check = checker('Event');
  const event = {
    specversion: '1.0',
    id: 'e1',
    source: 'urn:waybook:party:jmod',
    type: 'ForecastRevised',
    time: '2026-01-15T09:30:00Z',
    data: { milestone: 'M1', forecast: '2026-09-01', reason: 'supply' },
  };
  expect(check(event)).toBe(true);
  expect(check({ ...event, type: 'Nothing' })).toBe(false);
  expect(check({ ...event, data: { ...event.data, colour: 'red' } })).toBe(false);
  expect(check({ ...event, position: '1' })).toBe(false);
});

test('every event type and every problem code is on the page', () => {
  const page = docsPage(document);
  for (const { type } of eventTypes) expect(page).toContain(`id="type-${type}"`);
  for (const code of Object.keys(PROBLEMS) as ProblemCode[]) expect(page).toContain(`id="${problemAnchor(code)}"`);
  expect(page).not.toContain('undefined');
  expect(page).not.toContain('[object');
});

test('an extension adds a method to a path that is there', () => {
  const paths = mergedPaths([
    {
      controllers: [],
      paths: {
        '/contracts': { get: { operationId: 'x', tag: 'Reading', summary: 's', responses: {}, problems: [] } },
      },
    },
  ]);
  expect(Object.keys(paths['/contracts'] ?? {}).sort()).toEqual(['get', 'post']);
  expect(bodyTypes(paths).get('POST /contracts/:id/events')?.length).toBe(3);
});
