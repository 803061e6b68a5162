import { configEnabled, type XenConfig } from '../../xen/index.ts';

/** An object that a Makefile lists. */
export interface ListedObject {
  /** Relative to the Makefile's folder: `new.o`, or `folder/`. */
  readonly name: string;
  /** Does this configuration build it? */
  readonly enabled: boolean;
}

/** Effect of a Makefile change on what is built. */
export interface MakefileChange {
  readonly added: readonly ListedObject[];
  readonly removed: readonly ListedObject[];
  /** Changed lines that are not lists of objects. */
  readonly others: readonly string[];
}

/** A list of objects: `obj-y += a.o b.o`, `obj-$(CONFIG_X) += c.o`, `obj-bin-y`, `lib-y`. */
const LIST = /^(?:obj|obj-bin|lib)-(y|n|m|\$\((CONFIG_\w+)\))\s*\+?:?=\s*(.*)$/;
const CONDITION = /^(ifeq|ifneq|ifdef|ifndef|else|endif)\b/;
const NAME = /^[\w][\w.-]*(?:\.o|\/)$/;

/** Compares two versions of a hypervisor Makefile (docs/misc/xen-makefiles/makefiles.rst defines the syntax). */
export function makefileChange(before: string, after: string, config: XenConfig): MakefileChange {
  const old = readLists(before, config);
  const now = readLists(after, config);
  const others = [...difference(old.others, now.others), ...difference(now.others, old.others)];
  return {
    added: listedOnly(now.objects, old.objects),
    removed: listedOnly(old.objects, now.objects),
    others,
  };
}

interface Lists {
  readonly objects: ReadonlyMap<string, ListedObject>;
  /** Everything except unconditional lists, in order, without white space. */
  readonly others: readonly string[];
}

function readLists(text: string, config: XenConfig): Lists {
  const objects = new Map<string, ListedObject>();
  const others: string[] = [];
  let depth = 0;
  for (const raw of text.replaceAll('\\\n', ' ').split('\n')) {
    const line = raw.replace(/#.*$/, '').trim().replace(/\s+/g, ' ');
    if (line === '') continue;
    const condition = CONDITION.exec(line)?.[1];
    if (condition === 'endif') depth--;
    else if (condition !== undefined && condition !== 'else') depth++;
    const list = raw.startsWith('\t') || depth > 0 ? null : LIST.exec(line);
    const names = list?.[3]?.split(' ').filter((name) => name !== '') ?? [];
    if (list === null || !names.every((name) => NAME.test(name))) {
      others.push(line);
      continue;
    }
    const enabled = list[1] === 'y' || (list[2] !== undefined && configEnabled(config, list[2]));
    for (const name of names) {
      const enabledBefore = objects.get(name)?.enabled ?? false;
      objects.set(name, { name, enabled: enabled || enabledBefore });
    }
  }
  return { objects, others };
}

/** Returns the lines that occur more often in the first than in the second. */
function difference(first: readonly string[], second: readonly string[]): string[] {
  const rest = new Map<string, number>();
  for (const line of second) rest.set(line, (rest.get(line) ?? 0) + 1);
  return first.filter((line) => {
    const count = rest.get(line) ?? 0;
    rest.set(line, count - 1);
    return count <= 0;
  });
}

/** Returns objects that only the first lists or builds. */
function listedOnly(
  first: ReadonlyMap<string, ListedObject>,
  second: ReadonlyMap<string, ListedObject>,
): readonly ListedObject[] {
  return [...first.values()].filter(({ name, enabled }) => {
    const other = second.get(name);
    return other === undefined || (enabled && !other.enabled);
  });
}
