/** Exit codes: 0 done; 1 it failed, or the answer is no; 2 the call itself is wrong; 3 something it needs cannot be had now. */
export const EXIT = { done: 0, failed: 1, usage: 2, unavailable: 3 } as const;

/** Ends the command with a message for people and an exit code. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly code = 'command-failed';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}
