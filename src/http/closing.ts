/** Tells answers that would go on for ever that the server is being stopped. */
export class Closing {
  readonly #controller = new AbortController();

  /** Aborts once the server stops taking connections. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  begin(): void {
    this.#controller.abort();
  }
}
