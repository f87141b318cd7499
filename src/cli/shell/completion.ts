import { open } from "../../open/index.ts";
import { commandNames } from "../command-line.ts";
import { UsageError } from "../usage-error.ts";
import { candidates } from "./candidates.ts";

/** So long a hypervisor may take to say what it has, in ms: somebody waits for it with a key pressed. */
const deadlineMs = 500;

const scripts: Readonly<Record<string, string>> = {
  bash: `# virtwright completion bash > /etc/bash_completion.d/virtwright, or: source <(virtwright completion bash)
_virtwright() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  mapfile -t COMPREPLY < <(virtwright complete -- "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  # Bash replaces what stands behind the last : or =, so what stands before goes.
  local line=\${COMP_LINE:0:COMP_POINT} begun
  begun=\${line##*[[:space:]]}
  COMPREPLY=("\${COMPREPLY[@]#"\${begun%"$word"}"}")
}
complete -o default -F _virtwright virtwright
`,
  zsh: `#compdef virtwright
# virtwright completion zsh > a directory of $fpath, as _virtwright; or: source <(virtwright completion zsh)
_virtwright() {
  local -a found
  found=("\${(@f)$(virtwright complete -- "\${BUFFER[1,CURSOR]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
compdef _virtwright virtwright
`,
};

const usage = "usage: virtwright completion bash|zsh";

/** virtwright completion bash|zsh: what the shell is to read. */
export async function completionScript(args: readonly string[]): Promise<number> {
  const [shell = ""] = args;
  if (shell === "--help") {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) throw new UsageError(usage);
  process.stdout.write(script);
  return 0;
}

/** virtwright complete -- LINE: what those scripts ask; a line for each word that could come. */
export async function complete(args: readonly string[]): Promise<number> {
  const line = (args[0] === "--" ? args[1] : args[0]) ?? "";
  const rest = line.replace(/^\s*\S+\s+/, "");
  await using parts = new AsyncDisposableStack();
  const [found] = await candidates(
    rest,
    async () => {
      try {
        const options = { openTimeoutMs: deadlineMs, timeoutMs: deadlineMs, readOnly: true };
        return parts.use(await open(uriOf(rest), options));
      } catch {
        return undefined;
      }
    },
    commandNames,
  );
  if (found.length > 0) process.stdout.write(`${found.join("\n")}\n`);
  return 0;
}

function uriOf(line: string): string | undefined {
  return /(?:^|\s)(?:-c|--connect)[\s=]+(\S+)\s/.exec(line)?.[1];
}
