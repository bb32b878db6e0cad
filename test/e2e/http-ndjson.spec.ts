import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { NDJSON, post, progress, register, startServer, type Result, type TestServer } from './http-support.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  expect(server.errors).toEqual([]);
  await server.close();
});

const events = (contract: string): string => `${server.url}/contracts/${contract}/events`;
const lines = (text: string): readonly Result[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Result);
const send = async (url: string, body: string | Uint8Array): Promise<readonly Result[]> => {
  const response = await post(url, NDJSON, body);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, NDJSON]);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  return lines(await response.text());
};

/** A request whose body is written, and whose answer is read, bit by bit. */
async function open(url: string): Promise<{ sending: ClientRequest; answer: IncomingMessage }> {
  const sending = httpRequest(url, { method: 'POST', headers: { 'content-type': NDJSON } });
  sending.flushHeaders();
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    sending.once('response', resolve).once('error', reject);
  });
  return { sending, answer };
}

test('each line has its own result, in order, with its number; a bad one stops nothing', async () => {
  await register(server, 'N1');
  const big = JSON.stringify(progress('big', { data: { line: 'x'.repeat(1_100_000) } }));
  const body = Buffer.concat([
    Buffer.from(`${JSON.stringify(progress('a'))}\n`),
    Buffer.from('\n  \n{"id":"b",\n'),
    Buffer.from(`${JSON.stringify(progress('c'))}\r\n`),
    Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff]), Buffer.from('"}\n')]),
    Buffer.from(`${big}\n`),
    Buffer.from('{"id":"d","id":"e"}\n[]\n7\n'),
    Buffer.from(JSON.stringify(progress('a'))),
  ]);
  const answered = await send(events('N1'), body);
  expect(answered.map(({ line, id, status, problem }) => [line, id, status, problem?.code])).toEqual([
    [1, 'a', 'recorded', undefined],
    [4, null, 'refused', 'invalid-json'],
    [5, 'c', 'recorded', undefined],
    [6, null, 'refused', 'invalid-json'],
    [7, null, 'refused', 'line-too-large'],
    [8, null, 'refused', 'invalid-json'],
    [9, null, 'refused', 'invalid-event'],
    [10, null, 'refused', 'invalid-event'],
    [11, 'a', 'duplicate', undefined],
  ]);
  expect(answered[5]?.problem?.errors).toEqual([{ pointer: '/id', detail: 'stands twice' }]);
});

test('many lines for many contracts come out in order, each contract at its own revision', async () => {
  const contracts = Array.from({ length: 10 }, (_, at) => `N2-${at}`);
  for (const contract of contracts) await register(server, contract);
  const sent = Array.from({ length: 3_000 }, (_, at) => progress(`e${at}`, { subject: contracts[at % 10] }));
  const answered = await send(`${server.url}/events`, sent.map((event) => JSON.stringify(event)).join('\n'));
  expect(answered.map(({ line, id, status, revision }) => [line, id, status, revision])).toEqual(
    sent.map(({ id }, at) => [at + 1, id, 'recorded', String(Math.floor(at / 10) + 1)]),
  );
});

test('nothing sent is nothing answered', async () => {
  expect(await send(`${server.url}/events`, '')).toEqual([]);
  expect(await send(`${server.url}/events`, '\n\n')).toEqual([]);
});

test('a line is answered before the next one is sent', async () => {
  await register(server, 'N3');
  const { sending, answer } = await open(events('N3'));
  const answers = answer.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
  for (const id of ['one', 'two', 'three']) {
    const text = JSON.stringify(progress(id));
    sending.write(text.slice(0, 50));
    sending.write(`${text.slice(50)}\n`);
    const { value } = await answers.next();
    expect(lines(String(value))).toMatchObject([{ id, status: 'recorded' }]);
  }
  sending.end();
  expect((await answers.next()).done).toBe(true);
});

test('nobody reads the answers: then no more is read than fits on the way', async () => {
  await register(server, 'N4');
  const { sending, answer } = await open(events('N4'));
  answer.pause();
  // Refused, so that the store has nothing to do; a line is about as long as its answer.
  const block = `[${' '.repeat(300)}]\n`.repeat(200);
  let written = 0;
  let blocked = false;
  while (!blocked && written < 3_000) {
    written += 1;
    if (!sending.write(block))
      blocked = await Promise.race([
        new Promise<boolean>((resolve) => sending.once('drain', () => resolve(false))),
        new Promise<boolean>((resolve) => setTimeout(resolve, 1_500, true)),
      ]);
  }
  expect(blocked).toBe(true);
  // Read now, and it goes on to the end.
  let answered = 0;
  answer.setEncoding('utf8').on('data', (text: string) => {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) answered += 1;
  });
  answer.resume();
  sending.end();
  await new Promise((resolve) => answer.once('end', resolve));
  expect(answered).toBe(written * 200);
});

test('a client that goes away leaves what was answered recorded, and nothing in the log', async () => {
  await register(server, 'N5');
  const { sending, answer } = await open(events('N5'));
  sending.write(`${JSON.stringify(progress('kept'))}\n${JSON.stringify(progress('cut')).slice(0, 40)}`);
  await new Promise((resolve) => answer.once('data', resolve));
  answer.on('error', () => undefined);
  sending.on('error', () => undefined).destroy();
  const [result] = await send(events('N5'), JSON.stringify(progress('kept')));
  expect(result?.status).toBe('duplicate');
  expect(server.errors).toEqual([]);
});

test('If-Match and parameters are refused before anything is read', async () => {
  expect((await post(events('N1'), NDJSON, '', { 'if-match': '"1"' })).status).toBe(400);
  expect((await post(`${events('N1')}?atomic=true`, NDJSON, '')).status).toBe(422);
});

test('when the server is closed, what was read is answered and the last line says that it was the last', async () => {
  const own = await startServer();
  await register(own, 'N6');
  const { sending, answer } = await open(`${own.url}/contracts/N6/events`);
  let text = '';
  answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  sending.on('error', () => undefined).write(`${JSON.stringify(progress('x'))}\n`);
  await new Promise((resolve) => answer.once('data', resolve));
  const ended = new Promise((resolve) => answer.once('end', resolve));
  await Promise.all([own.close(), ended]);
  expect(lines(text)).toMatchObject([
    { line: 1, id: 'x', status: 'recorded' },
    { id: null, status: 'failed', problem: { code: 'shutting-down' } },
  ]);
});
