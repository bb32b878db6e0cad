export async function demoCommand(..._: unknown[]): Promise<void> { throw new Error('later'); }
