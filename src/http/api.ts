/** How each controller says what it offers: the part of an OpenAPI 3.1 path item that a person writes. */
import type { JsonSchema } from '../contract/validation.js';
import type { ProblemCode } from './problem.js';

export interface ApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  /** Path parameters always are. */
  readonly required?: boolean;
  readonly schema: JsonSchema;
}

interface ApiContent {
  readonly schema: JsonSchema;
  readonly example?: unknown;
}

interface ApiResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: JsonSchema }>>;
  /** By media type. */
  readonly content?: Readonly<Record<string, ApiContent>>;
}

export interface ApiOperation {
  readonly operationId: string;
  /** Groups operations on the page: `Writing`, `Reading`, `Running`. */
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: { readonly required: true; readonly content: Readonly<Record<string, ApiContent>> };
  /** By status. Problems are listed apart. */
  readonly responses: Readonly<Record<string, ApiResponse>>;
  /** Codes that are to be expected here, besides those that any request may get. */
  readonly problems: readonly ProblemCode[];
}

/** By path in the form of OpenAPI, `/contracts/{id}`. A controller's file exports what it serves as one of these. */
export type ApiPaths = Readonly<Record<string, { readonly get?: ApiOperation; readonly post?: ApiOperation }>>;

/** Types of bodies by `METHOD PATTERN` as Fastify writes patterns, `POST /contracts/:id/events`. */
export function bodyTypes(paths: ApiPaths): ReadonlyMap<string, readonly string[]> {
  const types = new Map<string, readonly string[]>();
  for (const [path, { post }] of Object.entries(paths))
    if (post?.requestBody !== undefined)
      types.set(`POST ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, Object.keys(post.requestBody.content));
  return types;
}

export const CONTRACT_PARAMETER: ApiParameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of the contract.',
  schema: { $ref: '#/components/schemas/Id' },
};

export const POSITION_HEADER = {
  description: 'A position in the order of all events, as a decimal string.',
  schema: { $ref: '#/components/schemas/Position' },
} as const;
