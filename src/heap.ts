/**
 * How V8 keeps its heap. Imported before anything else by what starts a process; threads started later have it too.
 *
 * Measured with `npm run bench b f`: without these lines the server needs half as much memory again while events stream
 * in, and is a twentieth faster.
 */
import { setFlagsFromString } from 'node:v8';

// Code whose objects survived a few collections would allocate in old space from then on. What is made here lives for
// one batch, whoever makes it: old space would fill with garbage that only a full collection finds.
setFlagsFromString('--no-allocation-site-pretenuring');
// A full collection when the heap has grown by so much, where V8 would wait for it to double and more.
setFlagsFromString('--heap-growing-percent=70');
