import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { X86_64 } from '../../examples/architectures.ts';
import { buildPayload, oldFunctionsHeader } from '../../examples/payload.ts';
import { hexAddress } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { inflate } from '../../src/cli/inflate.ts';
import type { DocumentFinding } from '../../src/documents/index.ts';
import { isProblem, readElf } from '../../src/elf/index.ts';
import { FindingSources } from '../../src/inspect/finding-source.ts';
import { checkSlice, openSimulation } from '../../src/run/index.ts';
import { image } from '../run/support.ts';
import { exampleManifest, root } from '../support/examples.ts';
import { withTool } from '../support/gcc.ts';

const work = mkdtempSync(join(tmpdir(), 'xsplice-source-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const SOURCES = join(root, 'examples/payloads');

/** Returns the number of the line, from 1, that contains a text. */
const lineOf = (source: string, text: string): number =>
  source.split('\n').findIndex((line) => line.includes(text)) + 1;

/** Compiles an example without optimisation, so that no two lines share an instruction. `flags` are gcc's. */
function withDebug(name: string, flags: readonly string[]): Uint8Array {
  writeFileSync(join(work, 'old-functions.h'), oldFunctionsHeader(image()));
  const id = Buffer.from(exampleManifest.image.buildId, 'hex');
  return buildPayload({
    target: X86_64,
    source: `${name}.c`,
    recipe: { from: 'source', without: name === 'bad-relocation' ? ['-fpic'] : [], with: [...flags, '-O0'] },
    depends: id,
    xenDepends: id,
    sources: SOURCES,
    headers: work,
    work: join(work, `${name}${flags.join('')}`),
  });
}

async function findingOf(
  name: string,
  bytes: Uint8Array,
  rule: string,
  ports: { inflate?: typeof inflate } = {},
): Promise<DocumentFinding | undefined> {
  const simulation = openSimulation(image(), { gunzip, release: '4.18.1' });
  const slice = await checkSlice(simulation, [{ file: `${name}.livepatch`, name, bytes }], ports);
  const [checked] = await slice.withCode();
  return checked?.findings.find((finding) => finding.rule === rule);
}

describe('the line of source of a finding', () => {
  const source = readFileSync(join(SOURCES, 'bad-relocation.c'), 'utf8');
  const expected = { file: 'bad-relocation.c', line: lineOf(source, 'return "-low"') };

  it.each([['-gdwarf-4'], ['-gdwarf-5']])('belongs to the code that a relocation changes: %s', async (version) => {
    const bytes = withDebug('bad-relocation', ['-fno-pic', version]);
    const finding = await findingOf('bad-relocation', bytes, 'unhandled-relocation');
    expect(finding?.source).toMatchObject(expected);
    expect(finding?.code?.[0]).toMatchObject({ text: null });
  });

  it('is found in compressed debug information if there is an inflate port', async () => {
    const plain = withDebug('bad-relocation', ['-fno-pic', '-g']);
    const args = ['--compress-debug-sections=zlib', 'plain', 'packed'];
    const bytes = withTool('objcopy', args, { plain }, ({ read }) => read('packed'));
    expect((await findingOf('bad-relocation', bytes, 'unhandled-relocation', { inflate }))?.source).toMatchObject(
      expected,
    );
    expect((await findingOf('bad-relocation', bytes, 'unhandled-relocation'))?.source).toBe(undefined);
  });

  it('is the start of the new function for an entry of .livepatch.funcs', async () => {
    const bytes = withDebug('wrong-version', ['-g']);
    const text = readFileSync(join(SOURCES, 'wrong-version.c'), 'utf8');
    const { source: found } = (await findingOf('wrong-version', bytes, 'function-version')) ?? {};
    expect(found?.file).toBe('wrong-version.c');
    // gcc attributes a function's start to its brace.
    expect(found?.line).toBe(lineOf(text, 'static const char *') + 1);
  });

  it('is absent without debug information', async () => {
    const bytes = withDebug('wrong-version', []);
    expect((await findingOf('wrong-version', bytes, 'function-version'))?.source).toBe(undefined);
  });

  it('is the hypervisor’s if the finding has an address in it', () => {
    const source = 'int one(void)\n{\n    return 1;\n}\nint two(void)\n{\n    return 2;\n}\n';
    const args = ['-g', '-O0', '-nostdlib', '-static', '-Wl,-e,one', '-o', 'out', 'source.c'];
    const elf = withTool('gcc', args, { 'source.c': source }, ({ read }) => readElf(read('out')));
    if (isProblem(elf)) throw new Error(elf.message);
    const address = elf.symbols.value(elf.symbols.find('two') ?? 0);
    const sources = new FindingSources(undefined, { elf }, undefined);
    expect(sources.of({ address: hexAddress(address) })).toMatchObject({ file: 'source.c', line: 6 });
    expect(sources.of({ address: '0x1' })).toBe(undefined);
    expect(sources.of({})).toBe(undefined);
  });
});
