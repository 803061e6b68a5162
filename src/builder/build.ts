import { type Finding, hex, XspliceError } from '../base/index.ts';
import { about, diffPairs } from '../diff/index.ts';
import type { Simulation } from '../run/index.ts';
import { throwIfInterrupted } from '../system/index.ts';
import { openBase, readXenSyms } from './base-folder.ts';
import { keepTrace } from './keep.ts';
import { patchTree, readPatchFiles } from './patched.ts';
import { type FileChange, goneLines, type SourcePatch } from './patches/index.ts';
import { makePayload } from './payload.ts';
import { builtBase } from './pristine.ts';
import type { Base, BuildRequest, BuildResult, BuildTools } from './request.ts';
import { hostFor, openHost } from './simulated-host.ts';
import { type CompiledPairs, compilePairs, type SourceTree, type TreeCommands, treeCommands } from './tree/index.ts';

/**
 * Builds a live patch from source patches for one hypervisor. Applies them to its tree in memory, compiles the affected objects
 * before and after with the tree's own commands, then links and verifies the difference. Only reads the tree.
 *
 * Wrong patches, or changes that no live patch can carry, are data: the verdict `refused`, with reasons. Rejects with an
 * XspliceError if the environment or the tree is at fault.
 */
export const build = (base: Base, request: BuildRequest, tools: BuildTools): Promise<BuildResult> =>
  new OneBuild(base, request, tools).run();

class OneBuild {
  readonly #base: Base;
  readonly #request: BuildRequest;
  readonly #tools: BuildTools;
  #host: Simulation | undefined;
  readonly #remarks: Finding[] = [];

  constructor(base: Base, request: BuildRequest, tools: BuildTools) {
    this.#base = base;
    this.#request = request;
    this.#tools = tools;
  }

  async run(): Promise<BuildResult> {
    const { env, jobs, signal, progress, ports } = this.#tools;
    throwIfInterrupted(signal);
    progress?.('reading the source tree …');
    const open = openBase(this.#base);
    const own = readPatchFiles(this.#base.pristine ?? []);
    const read = readPatchFiles(this.#request.patches);
    if (open.xenSyms !== undefined) this.#host = openHost(open.xenSyms, this.#rules, ports);
    const unread = [...own.refusals, ...read.refusals];
    if (unread.length > 0) return this.#result(unread);
    const patched = patchTree(open.tree.top, own.patches, read.patches);
    this.#remarks.push(...patched.remarks);
    if (patched.refusals.length > 0) return this.#result(patched.refusals);
    const { tree, remarks } = await builtBase(open, patched.pristine, {
      env,
      jobs,
      signal,
      ...(progress !== undefined && { progress: (line: string) => progress(`building the tree: ${line.trim()}`) }),
    });
    this.#remarks.push(...remarks);
    const xenSyms = open.xenSyms ?? this.#builtHere(tree);
    this.#host ??= openHost(xenSyms, this.#rules, ports);
    const commands = await treeCommands(tree, { env, signal, progress });
    const compiled = await this.#compile(tree, commands, patched.changes, open.xenSyms);
    this.#remarks.push(...compiled.remarks);
    const made = await this.#make(xenSyms, this.#host, compiled, read.patches, patched.changes);
    if (this.#request.keep !== true) return made;
    const { pairs } = compiled;
    const kept = keepTrace({ tree, commands, changes: patched.changes, pairs, payload: made.bytes }, env);
    return { ...made, kept };
  }

  get #rules(): { readonly release?: string } {
    const { release } = this.#base;
    return release === undefined ? {} : { release };
  }

  /** Returns the hypervisor that we just built, which runs nowhere yet. */
  #builtHere(tree: SourceTree): Uint8Array {
    if (tree.xenSyms === undefined) {
      const hint = 'Give the running one with --xen.';
      throw new XspliceError('EUSAGE', `${tree.objects} has objects but no xen-syms`, hint);
    }
    const text =
      'the tree has no xen-syms: the payload depends on the hypervisor that xsplice built from it. Give the running xen-syms with --xen';
    this.#remarks.push(about('xen-not-given', 'xen-syms', null, text));
    return readXenSyms(tree.xenSyms);
  }

  #compile(
    tree: SourceTree,
    commands: TreeCommands,
    changes: readonly FileChange[],
    xenSyms: Uint8Array | undefined,
  ): Promise<CompiledPairs> {
    const { env, jobs, signal, progress } = this.#tools;
    progress?.('compiling …');
    return compilePairs(tree, commands, changes, {
      env,
      jobs,
      signal,
      xenSyms,
      started: ({ done, total, object }) => progress?.(`compiling ${object}, ${done + 1} of ${total}`),
    });
  }

  /** Makes the payload, or returns the reasons why it cannot. */
  async #make(
    xenSyms: Uint8Array,
    host: Simulation,
    compiled: CompiledPairs,
    patches: readonly SourcePatch[],
    changes: readonly FileChange[],
  ): Promise<BuildResult> {
    const { pairs, problems, affected, cached } = compiled;
    const counts = {
      compiled: affected,
      cached,
      objects: { compared: affected, identical: affected - pairs.length },
    };
    if (problems.length > 0)
      return { ...this.#result(problems), ...counts, objects: { compared: affected, identical: 0 } };
    const { name, allowedLayouts, statics, debugData, ld, crossPrefix } = this.#request;
    const { env, signal, tool, ports, levels, progress } = this.#tools;
    const { inflate, loadDisassembler } = ports;
    progress?.(`comparing ${pairs.length} objects …`);
    const diff = diffPairs(host.image, host.release, pairs, {
      disassembler: await loadDisassembler(),
      inflate,
      ...(allowedLayouts !== undefined && { allowedLayouts }),
      ...(statics !== undefined && { statics }),
      goneLines: new Map(changes.map(({ path, before, after }) => [path, goneLines(before ?? '', after ?? '')])),
      ...(debugData !== undefined && { debugData }),
      name,
    });
    const { depends, xenDepends } = this.#base;
    const made = await makePayload(
      diff,
      host,
      {
        file: `${name}.livepatch`,
        name,
        depends,
        xenDepends,
        titles: patches.map(({ title }) => title),
        tool,
        ...(debugData !== undefined && { debugData }),
        ...(ld !== undefined && { ld }),
        ...(crossPrefix !== undefined && { crossPrefix }),
      },
      {
        env,
        signal,
        loadDisassembler,
        inflate,
        hostFor: (payload) => hostFor(payload, host, xenSyms, this.#rules, ports),
        ...(levels !== undefined && { levels }),
        ...(progress !== undefined && { progress }),
      },
    );
    const { verdict, refusals, remarks, verified, bytes, debug } = made;
    const { release: on, buildId } = host.identity;
    return {
      ...this.#result(refusals),
      ...counts,
      verdict,
      functions: diff.functions,
      remarks: [...this.#remarks, ...remarks],
      verified: verified ? { release: on, buildId } : null,
      bytes,
      debug,
    };
  }

  /** Returns the result for a refused build, with what is known so far. */
  #result(refusals: readonly Finding[]): BuildResult {
    const image = this.#host?.image;
    return {
      verdict: 'refused',
      xen:
        image === undefined
          ? null
          : {
              version: image.version ?? this.#host?.release.version ?? '',
              buildId: image.buildId === null ? null : hex(image.buildId),
            },
      compiled: 0,
      cached: 0,
      objects: { compared: 0, identical: 0 },
      functions: [],
      refusals,
      remarks: this.#remarks,
      verified: null,
      bytes: null,
      debug: null,
      kept: null,
    };
  }
}
