/**
 * Records the cases whose hooks run on a real Xen in QEMU: Debian's, or one of your own.
 *
 *   npx tsx test/real-xen/record-hooks.ts OUT.json [--only REGEXP] [--xen-image XEN --xen-syms XEN-SYMS]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzip } from '../../src/cli/gunzip.ts';
import { openImage } from '../../src/hypervisor/index.ts';
import { prepareQemu } from '../../src/targets/index.ts';
import { hookCases, type RecordedHookCase, takeHookCase } from './hooks.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, 'xen-image': { type: 'string' }, 'xen-syms': { type: 'string' } },
});
const { 'xen-image': xenImage, 'xen-syms': xenSyms } = values;
const [out] = positionals;
if (out === undefined) throw new Error('where to? OUT.json is missing');
const only = new RegExp(values.only ?? '');
const hosts = await prepareQemu({
  ...(xenImage !== undefined && { xenImage }),
  ...(xenSyms !== undefined && { xenSyms }),
});
const recorded: RecordedHookCase[] = [];
let buildId = '';
for (const each of hookCases) {
  if (!only.test(each.name)) continue;
  const host = await hosts.start();
  try {
    buildId = host.host.buildId ?? '';
    const file = host.host.xenSyms ?? '';
    const image = openImage(new Uint8Array(readFileSync(file)), { file, gunzip });
    const steps = await takeHookCase(host, each, image, host.host.release.release);
    recorded.push({ name: each.name, payloads: each.payloads ?? {}, steps });
    process.stderr.write(
      `${each.name}: ${steps.map(({ seen }) => seen['panic']?.toString() ?? seen['rc']).join(' ')}\n`,
    );
  } finally {
    await host.close();
  }
}
const lines = recorded.map((each) => JSON.stringify(each)).join(',\n');
writeFileSync(out, `${JSON.stringify({ buildId }).slice(0, -1)},"cases":[\n${lines}\n]}\n`);
