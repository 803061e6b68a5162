import { ARM_STACK_SIZE, guestLayout } from '../../xen/index.ts';
import type { Execution, FatalTrap } from '../execution.ts';
import { CURRENT_VARIABLES } from './current.ts';

type Parts = Pick<
  Execution,
  | 'bugFramesOfPayloads'
  | 'calls'
  | 'exceptions'
  | 'trapFrame'
  | 'layout'
  | 'emulate'
  | 'setCurrent'
  | 'showExecutionState'
> & { readonly bugTrap: Uint8Array; readonly pointerSize: 4 | 8 };

/** Bits of ESR_EL2. ARM DDI 0487, D13.2.37. */
const EC_SHIFT = 26;
const IL_SHIFT = 25;
const ISS_MASK = 0x1ff_ffff;

/** The line with the syndrome that `Hypervisor` traps print first. Source: xen/arch/arm/traps.c, do_trap_hyp_sync. */
function syndromeLine(syndrome: number): string {
  const ec = syndrome >>> EC_SHIFT;
  const il = (syndrome >>> IL_SHIFT) & 1;
  const hsr = `0x${syndrome.toString(16).padStart(14, '0')}`;
  return `Hypervisor Trap. HSR=${hsr} EC=0x${ec.toString(16)} IL=${il} Syndrome=0x${(syndrome & ISS_MASK).toString(16)}`;
}

/** Makes the execution record of arm64 or arm32. */
export function armExecution({ bugTrap, pointerSize, ...parts }: Parts): Execution {
  return {
    ...parts,
    generalProtection: null,
    fixupText: null,
    fatalTrap(vector, { cpu }): FatalTrap {
      const { mnemonic, syndrome } = parts.exceptions.get(vector) ?? { mnemonic: 'Hypervisor', syndrome: 0 };
      const text = `CPU${cpu}: Unexpected Trap: ${mnemonic}`;
      const first = mnemonic === 'Hypervisor' && syndrome !== undefined ? [syndromeLine(syndrome)] : [];
      return { head: [...first, text], text };
    },
    stacks: { size: ARM_STACK_SIZE, usable: () => true },
    guestLayout: ({ release }) => guestLayout(release, pointerSize),
    currentVariables: CURRENT_VARIABLES,
    systemRegisters: ({ tables, fault, syndrome }) => ({
      TTBR0_EL2: tables,
      ...(syndrome !== undefined && { ESR_EL2: BigInt(syndrome) }),
      // arm64 shows FAR_EL2, arm32 one of the other two.
      ...(fault !== undefined && { FAR_EL2: fault.address, [fault.fetch ? 'HIFAR' : 'HDFAR']: fault.address }),
    }),
    callerMark: () => '',
    bugTrap: () => bugTrap,
    entryPoints: (address) => [address],
    // Only the page tables decide what is writable; SCTLR_EL2.WXN does not.
    setWriteProtect: () => {},
    writeProtect: () => true,
    refusesIndirectCall: () => null,
  };
}
