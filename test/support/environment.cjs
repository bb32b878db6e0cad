// better-sqlite3 throws errors of the realm that loaded it first; a worker's second test file has another `Error`,
// which breaks `instanceof Error` and jest's matchers. All files of a worker share the outer realm's class instead.
const { TestEnvironment } = require('jest-environment-node');

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    this.global.Error = Error;
  }
};
