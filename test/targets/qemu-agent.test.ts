import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AGENT_ARCHITECTURES, AGENT_MODULE, type AgentBuild, agentModule, buildAgent } from '../../scripts/agent.ts';
import {
  ELFCLASS32,
  ELFCLASS64,
  EM_AARCH64,
  EM_ARM,
  EM_X86_64,
  ET_EXEC,
  isProblem,
  readElf,
} from '../../src/elf/index.ts';
import { AGENTS } from '../../src/targets/agent/agent.generated.ts';

/** Types of program headers. Source: the ELF specification. */
const PT_DYNAMIC = 2;
const PT_INTERP = 3;

const KINDS = {
  x86_64: { class: ELFCLASS64, machine: EM_X86_64 },
  arm64: { class: ELFCLASS64, machine: EM_AARCH64 },
  arm32: { class: ELFCLASS32, machine: EM_ARM },
} as const;

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const embedded = (arch: keyof typeof AGENTS): AgentBuild => ({
  compiler: AGENTS[arch].compiler,
  program: bytesOf(AGENTS[arch].program),
});

/** Returns the ELF header fields that show a static program without dependencies. */
function shapeOf(program: Uint8Array) {
  const elf = readElf(program);
  if (isProblem(elf)) throw new Error(elf.message);
  const types = elf.programHeaders().map(({ p_type }) => p_type);
  const dynamic = types.filter((type) => type === PT_DYNAMIC || type === PT_INTERP);
  return { class: program[4], type: elf.header.e_type, machine: elf.machine, dynamic };
}

describe('the agent in dom0', () => {
  it('is the module generated from its programs', () => {
    const builds = { x86_64: embedded('x86_64'), arm64: embedded('arm64'), arm32: embedded('arm32') };
    expect(agentModule(builds)).toBe(readFileSync(AGENT_MODULE, 'utf8'));
  });

  it.each(AGENT_ARCHITECTURES)('%s: matches its source', (arch) => {
    const built = buildAgent(arch);
    const { compiler, program } = embedded(arch);
    expect(built.compiler, `the agent was built with ${compiler}: install that`).toBe(compiler);
    expect(built.program, 'run `npx tsx scripts/agent.ts`').toEqual(program);
  });

  it.each(AGENT_ARCHITECTURES)('%s: needs nothing: no interpreter, no library', (arch) => {
    const { program } = embedded(arch);
    expect(shapeOf(program)).toEqual({ ...KINDS[arch], type: ET_EXEC, dynamic: [] });
    expect(program.length).toBeLessThan(8192);
  });
});
