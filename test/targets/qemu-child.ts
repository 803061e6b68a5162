/** Starts a host and waits to be killed: `node --import tsx test/targets/qemu-child.ts`. */
import { startQemu } from '../../src/targets/index.ts';

const host = await startQemu();
process.stdout.write(`${host.pid}\n`);
setInterval(() => undefined, 1000);
