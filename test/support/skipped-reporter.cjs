// Names at the end of a run what was skipped; why stands in the titles.
const { relative } = require('node:path');

module.exports = class SkippedReporter {
  onRunComplete(_contexts, { testResults }) {
    const groups = new Map();
    for (const { testFilePath, testResults: tests } of testResults)
      for (const { status, ancestorTitles, title } of tests) {
        if (status !== 'pending' && status !== 'todo') continue;
        const group = [relative(process.cwd(), testFilePath), ...ancestorTitles.slice(0, 1)].join(' > ');
        groups.set(group, [...(groups.get(group) ?? []), title]);
      }
    for (const [group, titles] of groups)
      console.log(`skipped: ${group}: ${titles.length > 3 ? `${titles.length} tests` : titles.join('; ')}`);
  }
};
