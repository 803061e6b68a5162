/**
 * Builds Xen from Debian's source package into the tests' cache: `npx tsx scripts/xen-source.ts [x86_64] [arm64] [arm32]`.
 * Debian's Arm packages lack live patching, and no package has the objects that live patches are built from. Takes one to
 * three minutes each unless cached.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { XspliceError } from '../src/base/index.ts';
import { SOURCE_ARCHITECTURES, type SourceArch, sourceXen } from '../src/targets/index.ts';

/** A line per step; during a build, one every few seconds. */
const BUILD_LINE_MS = 10_000;

async function ensure(arch: SourceArch): Promise<void> {
  let phase = '';
  let last = 0;
  const xen = await sourceXen(
    {
      env: process.env,
      progress: (now) => {
        if (now.phase === phase && (phase !== 'build' || performance.now() - last < BUILD_LINE_MS)) return;
        phase = now.phase;
        last = performance.now();
        process.stdout.write(`${phase} ${now.text}\n`);
      },
    },
    arch,
  );
  process.stdout.write(`Xen ${xen.packageVersion} for ${arch}, build-id ${xen.buildId}\n${xen.xenSyms}\n`);
}

const isArch = (name: string): name is SourceArch => SOURCE_ARCHITECTURES.some((arch) => arch === name);

async function main(names: readonly string[]): Promise<number> {
  const wanted = names.filter(isArch);
  if (wanted.length !== names.length) {
    process.stderr.write(
      `Xen is built from source for ${SOURCE_ARCHITECTURES.join(' and ')}, not ${names.join(', ')}\n`,
    );
    return 2;
  }
  try {
    for (const arch of wanted.length === 0 ? SOURCE_ARCHITECTURES : wanted) await ensure(arch);
    return 0;
  } catch (error) {
    if (!(error instanceof XspliceError)) throw error;
    process.stderr.write(`${error.message}\n${error.hint ?? ''}\n`);
    return 1;
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
