/**
 * Records conformance cases on a real Xen in QEMU: Debian's, or one of your own.
 *
 *   npx tsx test/real-xen/record.ts OUT.json [--only REGEXP] [--again RECORDING] [--xen-image XEN --xen-syms XEN-SYMS]
 *
 * The cases are those of `xsplice conform` for x86-64, or those of a recording in recordings/.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzip } from '../../src/cli/gunzip.ts';
import { CONFORM_CASES } from '../../src/conform/cases/index.ts';
import { bootedFor, runsOn } from '../../src/conform/index.ts';
import { openImage } from '../../src/hypervisor/index.ts';
import { observedStage } from '../../src/run/index.ts';
import { prepareQemu, type QemuHosts, type QemuTarget } from '../../src/targets/index.ts';
import {
  caseOf,
  type RecordedCase,
  type RecordedMachine,
  readPayloadFiles,
  readRecording,
  recordSteps,
} from './recording.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    again: { type: 'string' },
    'xen-image': { type: 'string' },
    'xen-syms': { type: 'string' },
  },
});
const { 'xen-image': xenImage, 'xen-syms': xenSyms, again } = values;
const [out] = positionals;
if (out === undefined) throw new Error('name the file to write: record.ts OUT.json');
const only = new RegExp(values.only);
const own = xenImage === undefined || xenSyms === undefined ? {} : { xenImage, xenSyms };

/** QEMU's processor without SMAP, under which the recorded hosts ran. */
const STANDARD: RecordedMachine = { cpu: 'max,-smap', cpus: 1 };

const cases =
  again === undefined
    ? CONFORM_CASES.filter((each) => runsOn(each, 'x86_64')).map((each) => ({ each, host: STANDARD }))
    : readRecording(again).cases.map((recorded) => ({ each: caseOf(recorded), host: recorded.host }));
const files = readPayloadFiles('payloads-4.17.7.json');

/** Hosts of each machine, prepared once. */
const prepared = new Map<string, Promise<QemuHosts>>();

async function start({ cpu, cpus }: RecordedMachine): Promise<QemuTarget> {
  const key = `${cpu}/${cpus}`;
  const hosts = prepared.get(key) ?? prepareQemu({ ...own, cpu, smp: cpus });
  prepared.set(key, hosts);
  return (await hosts).start();
}

const recorded: RecordedCase[] = [];
let buildId = '';
let version = '';
for (const { each, host } of cases.filter(({ each: { name } }) => only.test(name))) {
  const target = await start(host);
  const { release, xenSyms: file } = target.host;
  const image = openImage(new Uint8Array(readFileSync(file ?? '')), { gunzip });
  const identity = { release: target.host.version, buildId: target.host.buildId, arch: target.host.arch };
  const booted = await bootedFor(async () => observedStage(target, image, identity, []))(each);
  try {
    buildId = target.host.buildId ?? '';
    version = target.host.version;
    const steps = await recordSteps(booted, each, { image, release: release.release, files });
    recorded.push({ ...each, host, steps });
    const results = steps.map(({ seen }) => seen['panic']?.toString() ?? seen['rc']);
    process.stderr.write(`${each.name}: ${results.join(' ')}\n`);
  } finally {
    await booted.close();
  }
}
const lines = recorded.map((each) => JSON.stringify(each)).join(',\n');
writeFileSync(out, `${JSON.stringify({ package: `Xen ${version}`, buildId }).slice(0, -1)},"cases":[\n${lines}\n]}\n`);
