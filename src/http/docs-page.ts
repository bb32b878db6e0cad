/** The page at `/docs`: the OpenAPI document for people, without a script and without anything from elsewhere. */
import type { JsonSchema } from '../contract/validation.js';
import { problemAnchor, type OpenApiDocument, type OpenApiOperation } from './openapi.js';
import { PROBLEMS, type ProblemCode } from './problem.js';

export const PAGE_STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
section { border-top: 1px solid #8886; margin-top: 1.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #8883; }
h3 code { font-size: 1rem; }
td { white-space: pre-line; overflow-wrap: anywhere; }
`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
/** Escaped, with what stands between backticks as code. */
const prose = (text: string): string => escaped(text).replaceAll(/`([^`]*)`/g, '<code>$1</code>');

export function docsPage(document: OpenApiDocument): string {
  const { info, tags, paths, components } = document;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)} API</title><style>${PAGE_STYLE}</style></head>
<body>
<h1>${escaped(info.title)} API ${escaped(info.version)}</h1>
<p>${prose(info.description)}</p>
<p>The same for programs: <a href="/docs/openapi.json">OpenAPI 3.1</a>.</p>
${tags
  .map(
    ({ name, description }) =>
      `<h2>${escaped(name)}</h2><p>${prose(description)}</p>${operations
        .filter(({ operation }) => operation.tags.includes(name))
        .map(({ path, method, operation }) => operationPart(path, method, operation))
        .join('\n')}`,
  )
  .join('\n')}
<h2>Event types</h2>
${eventTypesPart(components.schemas)}
<h2>Problem codes</h2>
<table><tr><th>code</th><th>status</th><th>meaning</th></tr>
${(Object.keys(PROBLEMS) as ProblemCode[])
  .map(
    (code) =>
      `<tr id="${problemAnchor(code)}"><td><code>${code}</code></td><td>${PROBLEMS[code].status}</td><td>${escaped(PROBLEMS[code].title)}</td></tr>`,
  )
  .join('\n')}
</table>
</body></html>
`;
}

function operationPart(path: string, method: string, operation: OpenApiOperation): string {
  const parameters = (operation.parameters ?? [])
    .map(
      ({ name, in: place, description }) =>
        `<tr><td><code>${escaped(name)}</code></td><td>${place}</td><td>${prose(description)}</td></tr>`,
    )
    .join('');
  const bodies = Object.keys(operation.requestBody?.content ?? {}).map((type) => `<code>${escaped(type)}</code>`);
  return `<section id="${escaped(operation.operationId)}"><h3><code>${method.toUpperCase()} ${escaped(path)}</code></h3>
<p>${prose(operation.summary)} ${prose(operation.description ?? '')}</p>
${parameters === '' ? '' : `<table><tr><th>parameter</th><th>in</th><th></th></tr>${parameters}</table>`}
${bodies.length === 0 ? '' : `<p>Body: ${bodies.join(', ')}</p>`}
<table><tr><th>status</th><th></th></tr>
${Object.entries(operation.responses)
  .map(([status, { description }]) => `<tr><td>${status}</td><td>${prose(description)}</td></tr>`)
  .join('\n')}
</table></section>`;
}

function eventTypesPart(schemas: Readonly<Record<string, JsonSchema>>): string {
  const discriminator = schemas['Event']?.['discriminator'] as { readonly mapping: Readonly<Record<string, string>> };
  return Object.keys(discriminator.mapping)
    .map((type) => {
      const schema = schemas[type] ?? {};
      const required = (schema['required'] ?? []) as readonly string[];
      const fields = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>)
        .map(
          ([name, field]) =>
            `<tr><td><code>${escaped(name)}</code>${required.includes(name) ? '' : ' (optional)'}</td><td>${prose(fieldWords(field))}</td></tr>`,
        )
        .join('');
      return `<section id="type-${type}"><h3><code>${type}</code></h3><p>${prose(textOf(schema['description']))}</p>
${fields === '' ? '<p>No data.</p>' : `<table>${fields}</table>`}</section>`;
    })
    .join('\n');
}

/** A field in a few words: its type, and what is allowed. */
function fieldWords(schema: JsonSchema): string {
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => `\`${String(value)}\``).join(', ');
  const description = typeof schema['description'] === 'string' ? `: ${schema['description']}` : '';
  if (schema['type'] === 'array') return `list of ${fieldWords((schema['items'] ?? {}) as JsonSchema)}`;
  if (schema['type'] === 'object') {
    const names = Object.keys(schema['properties'] ?? {});
    return names.length === 0 ? 'object' : `{ ${names.map((name) => `\`${name}\``).join(', ')} }`;
  }
  if (Array.isArray(schema['anyOf']))
    return (schema['anyOf'] as readonly JsonSchema[]).map((option) => fieldWords(option)).join(' or ');
  const format = schema['format'] === undefined ? '' : ` (${textOf(schema['format'])})`;
  return `${textOf(schema['type'] ?? 'value')}${format}${description}`;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
