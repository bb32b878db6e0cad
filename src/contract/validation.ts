/**
 * Checking of payloads. The rules are written once, as class-validator decorators on the payload classes. From their
 * metadata a JSON Schema is compiled, which Ajv runs and the OpenAPI document shows. What Ajv lets through class-validator
 * would accept too (a property test holds that for every event type); what Ajv refuses is put to class-validator for the
 * words.
 */
import { Ajv, type ValidateFunction } from 'ajv';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync, type ValidationError } from 'class-validator';
import { FIELD_KINDS, isMoneyAmount, isPlainObject, isPresent, type FieldKind } from './fields.js';

export type PayloadClass<T extends object = object> = new () => T;

/** One thing that is wrong: where, as a JSON Pointer (RFC 6901) below the payload, and what would be right. */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Deeper than any payload goes; what is nested deeper is refused before recursion can hurt. */
export const MAX_DEPTH = 16;

const kinds: Readonly<Record<string, FieldKind>> = FIELD_KINDS;

const ajv = new Ajv({ strict: false, allErrors: false, unicodeRegExp: false, validateFormats: false });
ajv.addKeyword({
  keyword: 'waybook',
  type: 'string',
  schemaType: 'string',
  compile: (name: string) => {
    const base = name.startsWith('text') ? (name === 'text200' ? kinds['name'] : kinds['text']) : kinds[name];
    if (base === undefined) throw new Error(`there is no field kind "${name}"`);
    return base.check;
  },
});
ajv.addKeyword({
  keyword: 'moneyDecimals',
  type: 'object',
  schemaType: 'boolean',
  validate: (_: boolean, money: { amount?: unknown; currency?: unknown }) =>
    isMoneyAmount(money.amount, money.currency),
});

const schemas = new Map<PayloadClass, JsonSchema>();
const checks = new Map<PayloadClass, ValidateFunction>();

/**
 * The JSON Schema (2020-12) of a payload class, compiled from its class-validator metadata.
 * @throws Error for a decorator that it does not know: a rule must never be missing from the fast path
 */
export function schemaOf(payload: PayloadClass): JsonSchema {
  const known = schemas.get(payload);
  if (known !== undefined) return known;
  const properties: Record<string, Record<string, unknown>> = {};
  const optional = new Set<string>();
  const extra: Record<string, unknown> = {};
  const nested = new Map<string, { readonly part: PayloadClass; readonly each: boolean }>();
  const plain: { property: string; schema: JsonSchema; each: boolean }[] = [];
  for (const rule of getMetadataStorage().getTargetValidationMetadatas(payload, '', true, false)) {
    const property = (properties[rule.propertyName] ??= {});
    const name = rule.type === 'customValidation' ? (rule.name ?? '') : rule.type;
    switch (name) {
      case 'conditionalValidation':
        if (rule.constraints[0] !== isPresent) throw unknownRule(payload, rule.propertyName, 'ValidateIf');
        optional.add(rule.propertyName);
        break;
      case 'nestedValidation': {
        const part = defaultMetadataStorage.findTypeMetadata(payload, rule.propertyName)?.typeFunction();
        if (part === undefined) throw unknownRule(payload, rule.propertyName, 'ValidateNested without Type');
        nested.set(rule.propertyName, { part: part as PayloadClass, each: rule.each });
        break;
      }
      case 'isArray':
        property['type'] = 'array';
        break;
      case 'arrayMinSize':
        property['minItems'] = rule.constraints[0] as number;
        break;
      case 'arrayMaxSize':
        property['maxItems'] = rule.constraints[0] as number;
        break;
      case 'isBoolean':
        property['type'] = 'boolean';
        break;
      case 'isIn':
        property['enum'] = rule.constraints[0] as unknown;
        break;
      case 'object':
        property['type'] = 'object';
        break;
      case 'moneyAmount':
        property['type'] = 'string';
        extra['moneyDecimals'] = true;
        break;
      default: {
        const kind = kinds[name];
        if (kind === undefined) throw unknownRule(payload, rule.propertyName, name);
        plain.push({ property: rule.propertyName, schema: kind.schema, each: rule.each });
      }
    }
  }
  for (const { property, schema, each } of plain)
    properties[property] = each ? { ...properties[property], items: schema } : { ...schema };
  for (const [property, { part, each }] of nested)
    properties[property] = each ? { ...properties[property], items: schemaOf(part) } : { ...schemaOf(part) };
  const schema: JsonSchema = {
    type: 'object',
    title: payload.name,
    properties,
    required: Object.keys(properties).filter((property) => !optional.has(property)),
    additionalProperties: false,
    ...extra,
  };
  schemas.set(payload, schema);
  return schema;
}

const unknownRule = (payload: PayloadClass, property: string, rule: string): Error =>
  new Error(`${payload.name}.${property}: the rule "${rule}" has no place in the JSON Schema`);

function compiled(payload: PayloadClass): ValidateFunction {
  let check = checks.get(payload);
  if (check === undefined) {
    check = ajv.compile(schemaOf(payload));
    checks.set(payload, check);
  }
  return check;
}

/** Whether the value is right by the compiled schema. */
export const quicklyValid = (payload: PayloadClass, data: unknown): boolean => compiled(payload)(data);

/**
 * What class-validator finds wrong with a payload, each with its pointer; empty where all is right. Unknown fields are
 * problems that name the field.
 */
export function problemsOf(payload: PayloadClass, data: unknown): readonly FieldProblem[] {
  if (!isPlainObject(data)) return [{ pointer: '', detail: 'must be an object' }];
  if (depthOf(data, MAX_DEPTH) > MAX_DEPTH)
    return [{ pointer: '', detail: `is nested deeper than ${MAX_DEPTH} levels` }];
  const strange = foreignNames(data, '', schemaOf(payload));
  if (strange !== undefined) return [strange];
  // class-validator refuses a class without rules altogether: of such a type any field is one too many.
  if (Object.keys(schemaOf(payload)['properties'] as object).length === 0)
    return Object.keys(data).map((name) => ({
      pointer: `/${pointerToken(name)}`,
      detail: 'is not a field of this type',
    }));
  const errors = validateSync(plainToInstance(payload, data), {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    validationError: { target: false, value: false },
  });
  const found: FieldProblem[] = [];
  for (const error of errors) collect(error, '', found);
  return found;
}

/**
 * What is wrong with a payload; empty where it is right. The compiled schema says whether, class-validator says what: of
 * the two the schema is the stricter, as class-validator takes a list for an object where it finds nothing to check.
 */
export function validatePayload(payload: PayloadClass, data: unknown): readonly FieldProblem[] {
  const check = compiled(payload);
  if (check(data)) return [];
  const [error] = check.errors ?? [];
  const problems = problemsOf(payload, data);
  if (problems.length > 0) return problems;
  return [{ pointer: error?.instancePath ?? '', detail: error?.message ?? 'is not of the right form' }];
}

function collect(error: ValidationError, path: string, found: FieldProblem[]): void {
  const pointer = `${path}/${pointerToken(error.property)}`;
  const messages = Object.entries(error.constraints ?? {});
  const unknown = messages.some(([name]) => name === 'whitelistValidation');
  // Several rules on one field fail together; the first that class-validator names is the last one written, which in
  // these classes is the most basic (it is a list, it is text).
  const first = messages.at(-1);
  if (unknown) found.push({ pointer, detail: 'is not a field of this type' });
  else if (first !== undefined) found.push({ pointer, detail: first[1] });
  for (const child of error.children ?? []) collect(child, pointer, found);
}

/** One reference token of a JSON Pointer (RFC 6901, section 3). */
export const pointerToken = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

// class-transformer drops these on the way to an instance, so that class-validator would never see them.
const DROPPED = new Set(['__proto__', 'constructor', 'prototype', 'then']);

function foreignNames(value: unknown, path: string, schema?: JsonSchema): FieldProblem | undefined {
  const properties = schema?.['properties'] as Readonly<Record<string, JsonSchema>> | undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const pointer = `${path}/${pointerToken(name)}`;
    if (!Array.isArray(value) && (DROPPED.has(name) || name in Object.prototype))
      return { pointer, detail: 'is not a field of this type' };
    // What is checked by another type's class has names of its own.
    const known = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known?.['type'] === 'object' && known['properties'] === undefined) continue;
    const found = foreignNames(inner, pointer);
    if (found !== undefined) return found;
  }
  return undefined;
}

function depthOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (limit === 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, limit - 1));
  return deepest + 1;
}
