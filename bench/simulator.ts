import { CPU_PRESETS, DEFAULT_CPU } from '../src/arch/index.ts';
import { gunzip } from '../src/cli/gunzip.ts';
import { livepatchElfLoad } from '../src/hypervisor/elf-load.ts';
import { boot, type Hypervisor, openImage, SimulatedTarget } from '../src/hypervisor/index.ts';
import { movePayload } from '../src/hypervisor/move-payload.ts';
import { performRelocs } from '../src/hypervisor/perform-relocs.ts';
import { resolveSymbols } from '../src/hypervisor/resolve-symbols.ts';
import { newPayload } from '../src/hypervisor/upload.ts';
import { UploadBuffer } from '../src/hypervisor/upload-buffer.ts';
import { checkPayloads } from '../src/run/index.ts';
import { actionNow, uploadNow } from '../test/support/answers.ts';
import type { InputFile, Inputs } from './inputs.ts';
import type { Contest, Work } from './measure.ts';
import { readelfOf } from './processes.ts';

/** Throws if a call failed: the measurement would mean nothing. */
function expectZero(what: string, rc: number | null): void {
  if (rc !== 0) throw new Error(`${what} gave ${rc}`);
}

/** Names as in patches: global and static functions, data, and a missing one. */
const LOOKED_UP = [
  'xen_extra_version',
  'do_domctl',
  'common/livepatch.c#livepatch_printall',
  'printk',
  'hvm_hypercall',
  'arch/x86/domain.c#idle_loop',
  'memcpy',
  'xmem_pool_alloc',
  'system_state',
  'no_such_symbol',
];

/** From the file's bytes to ten lookups in the hypervisor's symbol table. */
export const openContest = ({ xenSyms }: Inputs): Contest => ({
  title: 'opening xen-syms',
  works: {
    'open, and look up 10 names': () => {
      const image = openImage(xenSyms.bytes, { gunzip });
      const release = image.release?.release;
      if (release === undefined) throw new Error('the image does not say its release');
      const symbols = image.symbolsFor(release);
      const found = LOOKED_UP.filter((name) => symbols.byName(name) !== 0n);
      if (found.length < LOOKED_UP.length / 2) throw new Error(`only ${found.join(', ')} were found`);
    },
  },
  warmups: 10,
  calls: 20,
});

/** Compares a check in a warm process with the process `readelf -aW` on the same two files. */
export const checkContest = (inputs: Inputs): Contest => ({
  title: 'the whole check, inside the process',
  works: {
    'check, inside': async () => {
      const payload = { file: 'one.livepatch', name: 'one', bytes: inputs.payload.bytes };
      const { payloads } = await checkPayloads(inputs.xenSyms.bytes, [payload], { gunzip });
      if (payloads[0]?.verdict !== 'accepted') throw new Error(`the payload is ${payloads[0]?.verdict}`);
    },
    'readelf -aW': readelfOf(inputs),
  },
  ratios: [{ of: 'check, inside', to: 'readelf -aW', aim: 1 }],
  rounds: 8,
});

/** Makes a host of the image's own release. */
function host({ xenSyms }: Inputs): Hypervisor {
  const image = openImage(xenSyms.bytes, { gunzip });
  const release = image.release?.release;
  const processor = CPU_PRESETS[DEFAULT_CPU];
  if (release === undefined || processor === undefined) throw new Error('no release, or no processor');
  return boot(image, { release, processor, debugBuild: false, domainsWithWaitqueue: [] });
}

/**
 * Measures the relocation stage alone. Xen accepts files up to 2 MiB, but 200 000 entries have 4.8 MB. So this calls the
 * loading stages directly, and repeats the relocation, which writes the same each time.
 */
export function relocationContest(inputs: Inputs): Contest {
  const hv = host(inputs);
  const payload = newPayload('relocations');
  const buffer = new UploadBuffer(inputs.relocations200k.bytes, hv.uploadBuffer(1), hv.machine.space);
  const elf = livepatchElfLoad(hv, payload.name, buffer);
  if (typeof elf === 'number') throw new Error(`loading gave ${elf}`);
  expectZero('placing', movePayload(hv, payload, elf));
  expectZero('resolving', resolveSymbols(hv, elf));
  return {
    title: 'relocations (the stage alone, 200 000 entries)',
    works: { relocations: () => expectZero('relocating', performRelocs(hv, elf)) },
    rate: { of: 'relocations', count: 200_000, unit: 'relocations', aim: 5e6 },
  };
}

/** Runs a payload's life without the boot: upload, apply, revert, unload. */
function lifeOf(target: SimulatedTarget, { bytes }: InputFile): Work {
  return () => {
    expectZero('upload', uploadNow(target, 'many', bytes));
    for (const action of ['apply', 'revert', 'unload'] as const) expectZero(action, actionNow(target, 'many', action));
    target.hypervisor.machine.console.take();
    target.takeFindings();
  };
}

/** Checks that ten times the functions take ten times the time. */
export function sizeContest(inputs: Inputs): Contest {
  const target = new SimulatedTarget(host(inputs));
  return {
    title: 'upload, apply, revert, unload',
    works: {
      '10 000 functions': lifeOf(target, inputs.functions10k),
      '1 000 functions': lifeOf(target, inputs.functions1k),
    },
    ratios: [{ of: '10 000 functions', to: '1 000 functions', aim: 11 }],
  };
}
