/** Payload builders: from a spec, from a template fitted to a hypervisor, for one call on a real host. */
export * from './arm-code.ts';
export * from './arm-hook-payload.ts';
export * from './call-through-payload.ts';
export * from './elf-fields.ts';
export * from './fit-payload.ts';
export * from './hook-payload.ts';
export * from './payload-builder.ts';
export * from './payload-spec.ts';
export * from './payload-tables.ts';
export * from './text-pool.ts';
export * from './x86-code.ts';
export * from './xen-facts.ts';
