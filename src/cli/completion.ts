/** `oxbow completion`: what a shell needs to complete commands, options and their choices. */
import { Argument, type Command, type Option } from 'commander';
import { command } from './shared/command.js';

/**
 * Scripts of shells, which ask `oxbow complete` for what may stand where the cursor is; what is typed is passed on as it is, and never
 * evaluated. Where nothing comes of it the shell completes names of files.
 */
const scripts = {
  bash: `_oxbow() {
  local IFS=$'\\n'
  COMPREPLY=($(oxbow complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -o bashdefault -F _oxbow oxbow`,
  zsh: `#compdef oxbow
_oxbow() {
  local -a found
  found=("\${(@f)$(oxbow complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _oxbow oxbow`,
  fish: `complete -c oxbow -a '(oxbow complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
} as const;

type Shell = keyof typeof scripts;

export function completionCommand(): Command {
  return command('completion', 'The script with which a shell completes this command.', [
    ['source <(oxbow completion bash)', 'in ~/.bashrc; zsh alike, in ~/.zshrc after compinit'],
    ['oxbow completion fish > ~/.config/fish/completions/oxbow.fish', 'for fish, once'],
  ])
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(scripts)))
    .action((shell: Shell) => void process.stdout.write(`${scripts[shell]}\n`));
}

/** What the scripts call. */
export function completeCommand(program: Command): Command {
  return command('complete', 'What may stand at the end of a command line, a line each.', [])
    .argument('[words...]')
    .action((words: readonly string[]) => {
      for (const candidate of candidates(program, words)) process.stdout.write(`${candidate}\n`);
    });
}

const takesValue = ({ required, optional }: Option) => required || optional;
const isNamed = (word: string) => (option: Option) => option.long === word || option.short === word;

/** Bash has `--cell=g` in three words, which is `--cell g`. */
const without = (words: readonly string[]): readonly string[] =>
  words.at(-1) === '=' ? [...words.slice(0, -1), ''] : words.filter((word) => word !== '=');

/** What the last word may become, after the words before it. Nothing, where it is a value that nobody knows, as a file's name is. */
export function candidates(program: Command, typed: readonly string[]): readonly string[] {
  const words = without(typed);
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const chosen = program.commands.find((each) => before.includes(each.name()));
  const current = chosen ?? program;
  const options = current.createHelp().visibleOptions(current);
  const starting = (all: readonly string[]) => all.filter((each) => each.startsWith(last));
  const asked = options.find(isNamed(before.at(-1) ?? ''));
  if (asked !== undefined && takesValue(asked)) return starting(asked.argChoices ?? []);
  const [, named, begun = ''] = /^(--[^=]+)=(.*)$/.exec(last) ?? [];
  if (named !== undefined) {
    const choices = options.find(isNamed(named))?.argChoices ?? [];
    return choices.filter((each) => each.startsWith(begun)).map((each) => `${named}=${each}`);
  }
  if (last.startsWith('-')) return starting(options.flatMap(({ long }) => long ?? []));
  if (chosen === undefined)
    return starting(
      program
        .createHelp()
        .visibleCommands(program)
        .map((each) => each.name()),
    );
  const commands = chosen.name() === 'help' ? program.commands.map((each) => each.name()) : [];
  return starting([...commands, ...chosen.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])]);
}
