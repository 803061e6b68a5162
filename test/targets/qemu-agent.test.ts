import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AGENT_MODULE, agentModule, buildAgent, compilerVersion } from '../../scripts/agent.ts';
import { ELFCLASS64, EM_X86_64, ET_EXEC, isProblem, readElf } from '../../src/elf/index.ts';
import { agentCompiler, agentProgram } from '../../src/targets/agent/agent.generated.ts';

/** Types of program headers. Source: the ELF specification. */
const PT_DYNAMIC = 2;
const PT_INTERP = 3;

const embedded = new Uint8Array(Buffer.from(agentProgram, 'base64'));

/** What any compiler must give: a static program of two segments that asks for nothing else. */
function shapeOf(program: Uint8Array) {
  const elf = readElf(program);
  if (isProblem(elf)) throw new Error(elf.message);
  const types = elf.programHeaders().map(({ p_type }) => p_type);
  const dynamic = types.filter((type) => type === PT_DYNAMIC || type === PT_INTERP);
  return { class: program[4], type: elf.header.e_type, machine: elf.machine, dynamic };
}

describe('the agent in dom0', () => {
  it('is what its source gives', () => {
    const built = buildAgent();
    const same = agentModule(built, agentCompiler) === readFileSync(AGENT_MODULE, 'utf8');
    // Another compiler's bytes are its own; their shape is not.
    expect(compilerVersion() === agentCompiler ? same : true).toBe(true);
    expect(shapeOf(built)).toEqual(shapeOf(embedded));
  });

  it('needs nothing: no interpreter, no library', () => {
    expect(shapeOf(embedded)).toEqual({ class: ELFCLASS64, type: ET_EXEC, machine: EM_X86_64, dynamic: [] });
    expect(embedded.length).toBeLessThan(8192);
  });
});
