import { type ActionName, LIVEPATCH_ACTION_APPLY_NODEPS } from '../../xen/index.ts';
import type { PanicExpectation, StepExpectation } from '../expectation.ts';
import type { StepVerb } from '../step.ts';
import { checkValue } from './check-value.ts';
import { didYouMean } from './did-you-mean.ts';
import { type ScriptEntry, type ScriptMap, type ScriptNode, scriptError } from './node.ts';
import { readArgument, readExpectedBuffer } from './read-call.ts';
import { fieldPlace, namedPayload, payloadSource, type Scope } from './scope.ts';
import type { ScriptStep } from './types.ts';
import { substitute } from './variables.ts';

/** Verbs that may stand alone, as plain text. */
const ALONE: readonly string[] = ['list', 'dump', 'verify'];

/** Default `nr` of LIST: more payloads than any host has. */
const LIST_NR = 64;

const verbsOf = ({ schemas }: Scope): StepVerb[] => Object.keys(schemas.VERB_SCHEMAS) as StepVerb[];

const hintOf = (scope: Scope): string => `a step is one of ${verbsOf(scope).join(', ')}, panics, include`;

/** Returns the entry of a step with its verb; keys of `beside` may stand next to it. Throws an XspliceError (EFILE) for none or several. */
function verbEntry(node: ScriptMap, beside: readonly string[], verbs: readonly string[], hint: string): ScriptEntry {
  const found = node.entries.filter(({ key }) => verbs.includes(key));
  const other = node.entries.find(({ key }) => !verbs.includes(key) && !beside.includes(key));
  if (other !== undefined) {
    const message = `unknown step key ${other.key}${didYouMean(other.key, [...verbs, ...beside])}`;
    throw scriptError(other.keyPlace, message, hint);
  }
  const [entry, second] = found;
  if (entry === undefined) throw scriptError(node.place, 'this step has no verb', hint);
  if (second === undefined) return entry;
  throw scriptError(
    second.keyPlace,
    `a step has one verb, but this one has ${entry.key} and ${second.key}`,
    'make it two steps',
  );
}

/** Returns the file that a step includes, before substitution of variables; `undefined` for any other step. */
export function includeOf(node: ScriptNode): ScriptNode | undefined {
  if (node.kind !== 'map') return undefined;
  const include = node.entries.find(({ key }) => key === 'include');
  if (include === undefined) return undefined;
  const other = node.entries.find(({ key }) => key !== 'include');
  if (other !== undefined) throw scriptError(other.keyPlace, `include must stand alone, without ${other.key}`);
  return include.value;
}

/** Reads a step: substitutes variables and checks it. Throws an XspliceError (EFILE). */
export function readStep(raw: ScriptNode, scope: Scope): ScriptStep {
  const node = substitute(raw, scope.variables, scope.budget);
  if (node.kind === 'scalar' && typeof node.value === 'string' && ALONE.includes(node.value)) {
    const nothing = { kind: 'scalar', value: null, place: node.place } as const;
    const entries = [{ key: node.value, keyPlace: node.place, value: nothing }];
    return readVerb({ kind: 'map', entries, place: node.place }, [], scope, null);
  }
  if (node.kind !== 'map')
    throw scriptError(node.place, 'a step is a verb and its argument, as in apply: hello', hintOf(scope));
  const panics = node.entries.find(({ key }) => key === 'panics');
  if (panics === undefined) return readVerb(node, ['expect'], scope, null);
  verbEntry(node, [], ['panics'], hintOf(scope));
  const { value } = panics;
  if (value.kind !== 'map')
    throw scriptError(value.place, 'panics contains a verb, as in panics: { apply: hello }', hintOf(scope));
  const { schemas } = scope;
  const beside = Object.keys(schemas.panicShape);
  const own = { ...value, entries: value.entries.filter(({ key }) => beside.includes(key)) };
  const { error_code, message, address } = checkValue(schemas.panicSchema, own, 'panics');
  const verb = { ...value, entries: value.entries.filter(({ key }) => !beside.includes(key)) };
  return readVerb(verb, ['console'], scope, {
    ...(error_code !== undefined && { errorCode: error_code }),
    ...(message !== undefined && { message }),
    ...(address !== undefined && { address }),
  });
}

/** Picks the expectations out of a verb's long form. */
function expectationOf({ errno, state, rc, console }: StepExpectation): StepExpectation {
  return {
    ...(errno !== undefined && { errno }),
    ...(state !== undefined && { state }),
    ...(rc !== undefined && { rc }),
    ...(console !== undefined && { console }),
  };
}

function readVerb(
  node: ScriptMap,
  beside: readonly string[],
  scope: Scope,
  panics: PanicExpectation | null,
): ScriptStep {
  const { key, keyPlace, value } = verbEntry(node, beside, verbsOf(scope), hintOf(scope));
  const verb = key as StepVerb;
  const { text, step, expect } = readVerbForm(verb, value, scope);
  let expected = expect;
  for (const entry of node.entries) {
    if (!beside.includes(entry.key)) continue;
    const given = entry.key === 'expect' ? entry.value : { ...node, entries: [entry] };
    const more = expectationOf(checkValue(scope.schemas.expectSchema, given, 'expect'));
    const twice = Object.keys(more).find((name) => name in expected);
    if (twice !== undefined)
      throw scriptError(entry.keyPlace, `${twice} is given twice`, `give it in ${key} or in ${entry.key}`);
    checkApplies(verb, more, entry);
    expected = { ...expected, ...more };
  }
  const odd = panics === null ? undefined : unseen(expected);
  if (odd !== undefined) {
    throw scriptError(
      keyPlace,
      `${odd} is expected of a host that panics`,
      'panics has error_code, message, address, console',
    );
  }
  return { place: keyPlace, text: panics === null ? text : `${text}, panics`, step, expect: expected, panics };
}

/** Words for expectations whose keys do not say what is expected. */
const EXPECTED: Readonly<Partial<Record<string, string>>> = {
  returns: 'a result',
  buffers: 'a result',
  list: 'a list',
};

/** Returns what is expected although a step that kills the host cannot bring it; a word for messages. */
function unseen(expect: StepExpectation): string | undefined {
  const key = Object.keys(expect).find((each) => each !== 'console');
  return key === undefined ? undefined : (EXPECTED[key] ?? key);
}

/** Checks that an expectation applies to the verb. Throws an XspliceError (EFILE). */
function checkApplies(verb: StepVerb, expect: StepExpectation, { keyPlace }: ScriptEntry): void {
  const allowed: Readonly<Partial<Record<StepVerb, readonly string[]>>> = {
    list: ['errno', 'console'],
    dump: ['console'],
    verify: ['console'],
    call: ['console'],
  };
  const wrong = Object.keys(expect).find((key) => allowed[verb]?.includes(key) === false);
  if (wrong !== undefined)
    throw scriptError(keyPlace, `${verb} has no ${wrong}`, `it has ${allowed[verb]?.join(', ')}`);
}

type ReadStep = Omit<ScriptStep, 'place' | 'panics'>;

/** Converts the short form of a verb to its long form. */
function longForm(value: ScriptNode, key: string): ScriptNode {
  if (value.kind !== 'scalar') return value;
  return { kind: 'map', entries: [{ key, keyPlace: value.place, value }], place: value.place };
}

/** Converts `list`, `dump` and `verify` without an argument to the long form. */
function emptyForm(value: ScriptNode): ScriptNode {
  if (value.kind !== 'scalar' || (value.value !== null && value.value !== true)) return value;
  return { kind: 'map', entries: [], place: value.place };
}

function readVerbForm(verb: StepVerb, value: ScriptNode, scope: Scope): ReadStep {
  switch (verb) {
    case 'upload':
      return readUpload(longForm(value, 'name'), scope);
    case 'apply':
    case 'revert':
    case 'replace':
    case 'unload':
      return readLifecycle(verb, longForm(value, 'name'), scope);
    case 'get': {
      const { name, ...rest } = checkValue(scope.schemas.VERB_SCHEMAS.get, longForm(value, 'name'), 'get');
      return { text: `get ${name}`, step: { verb, name }, expect: expectationOf(rest) };
    }
    case 'list': {
      const node: ScriptNode =
        value.kind === 'list'
          ? { kind: 'map', entries: [{ key: 'payloads', keyPlace: value.place, value }], place: value.place }
          : emptyForm(value);
      const { idx = 0, nr = LIST_NR, payloads, ...rest } = checkValue(scope.schemas.VERB_SCHEMAS.list, node, 'list');
      const list = payloads?.map((each) => (typeof each === 'string' ? { name: each } : each));
      return {
        text: 'list',
        step: { verb, idx, nr },
        expect: { ...(list !== undefined && { list }), ...expectationOf(rest) },
      };
    }
    case 'dump':
    case 'verify': {
      const rest = checkValue(scope.schemas.VERB_SCHEMAS[verb], emptyForm(value), verb);
      return { text: verb, step: { verb }, expect: expectationOf(rest) };
    }
    case 'call':
      return readCall(longForm(value, 'function'), scope);
  }
}

function readUpload(node: ScriptNode, scope: Scope): ReadStep {
  const {
    name,
    payload,
    file,
    fit,
    depends,
    flags = 0,
    ...rest
  } = checkValue(scope.schemas.VERB_SCHEMAS.upload, node, 'upload');
  if (file === undefined) {
    const odd = fit !== undefined ? 'fit' : depends !== undefined ? 'depends' : undefined;
    if (odd !== undefined) {
      throw scriptError(fieldPlace(node, odd), `${odd} belongs to file`, 'give it next to the file, in payloads');
    }
  } else if (payload !== undefined) {
    throw scriptError(fieldPlace(node, 'payload'), 'file and payload exclude each other', 'leave one of them out');
  }
  const source =
    file === undefined
      ? namedPayload(payload ?? name, fieldPlace(node, payload === undefined ? 'name' : 'payload'), scope)
      : payloadSource(
          { file, ...(fit !== undefined && { fit }), ...(depends !== undefined && { depends }) },
          node,
          scope,
        );
  return {
    text: `upload ${name}`,
    step: { verb: 'upload', name, payload: source, flags },
    expect: expectationOf(rest),
  };
}

function readLifecycle(verb: ActionName, node: ScriptNode, scope: Scope): ReadStep {
  const { name, timeout, nodeps, flags, ...rest } = checkValue(scope.schemas.VERB_SCHEMAS[verb], node, verb);
  if (flags !== undefined && nodeps !== undefined) {
    throw scriptError(fieldPlace(node, 'nodeps'), 'nodeps and flags exclude each other', 'nodeps is bit 0 of flags');
  }
  const word = flags ?? (nodeps === undefined ? undefined : nodeps ? LIVEPATCH_ACTION_APPLY_NODEPS : 0);
  return {
    text: `${verb} ${name}`,
    step: { verb, name, ...(timeout !== undefined && { timeout }), ...(word !== undefined && { flags: word }) },
    expect: expectationOf(rest),
  };
}

function readCall(node: ScriptNode, scope: Scope): ReadStep {
  const call = checkValue(scope.schemas.VERB_SCHEMAS.call, node, 'call');
  const place = fieldPlace(node, 'args');
  const args = (call.args ?? []).map((each) => readArgument(each, place, scope.budget));
  const count = args.filter(({ kind }) => kind === 'buffer').length;
  const buffers = call.buffers?.map((each) => readExpectedBuffer(each, place, scope.budget));
  if (buffers !== undefined && buffers.length !== count) {
    const hint = 'give one entry for each buffer among args, ~ if it does not matter';
    throw scriptError(fieldPlace(node, 'buffers'), `buffers has ${buffers.length} entries for ${count} buffers`, hint);
  }
  const { cpu, returns, console } = call;
  return {
    text: `call ${call.function}`,
    step: { verb: 'call', function: call.function, args, ...(cpu !== undefined && { cpu }) },
    expect: {
      ...(returns !== undefined && { returns }),
      ...(buffers !== undefined && { buffers }),
      ...expectationOf(console === undefined ? {} : { console }),
    },
  };
}
