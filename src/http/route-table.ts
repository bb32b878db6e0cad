import type { FastifyInstance } from 'fastify';

interface Route {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** Which methods there are at which address, so that a wrong method is told from a wrong address. */
export class RouteTable {
  readonly #routes = new Map<string, Route>();
  readonly #accepted: ReadonlyMap<string, readonly string[]>;

  /** @param accepted types of bodies by `METHOD PATTERN`, such as `POST /events` */
  constructor(accepted: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.#accepted = accepted;
  }

  /** Takes note of every route added to the instance from here on. */
  watch(instance: FastifyInstance): void {
    instance.addHook('onRoute', ({ url, method }) => {
      const source = url
        .split('/')
        .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll('.', '\\.')))
        .join('/');
      const route = this.#routes.get(url) ?? { pattern: new RegExp(`^${source}/?$`), methods: new Set() };
      for (const one of [method].flat()) route.methods.add(one);
      this.#routes.set(url, route);
    });
  }

  methodsOf(path: string): readonly string[] {
    const methods = new Set<string>();
    for (const route of this.#routes.values())
      if (route.pattern.test(path)) for (const method of route.methods) methods.add(method);
    return [...methods].sort();
  }

  /** Types of bodies that are taken there; `undefined` where none is. */
  acceptedBy(method: string, path: string): readonly string[] | undefined {
    for (const [url, { pattern }] of this.#routes)
      if (pattern.test(path)) {
        const types = this.#accepted.get(`${method} ${url}`);
        if (types !== undefined) return types;
      }
    return undefined;
  }
}
