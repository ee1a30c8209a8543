import type { Argument, Command, Option } from 'commander'

export const completionShells = ['bash', 'zsh', 'fish'] as const
export type CompletionShell = (typeof completionShells)[number]

/** A word that a person may type: an option or an argument, and what may follow or stand for it. */
interface Completed {
  /** `--out`; empty for an argument. */
  readonly flag: string
  readonly description: string
  /** `none` for an option without a value. */
  readonly value: 'none' | 'file' | 'other' | readonly string[]
}

interface CompletedCommand {
  readonly name: string
  readonly description: string
  readonly options: readonly Completed[]
  readonly args: readonly Completed[]
}

/** Returns the script that teaches a shell the commands, options and values of the program. */
export function completionScript(shell: CompletionShell, program: Command): string {
  const commands = commandsOf(program)
  const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript }
  return scripts[shell](commands)
}

function commandsOf(program: Command): CompletedCommand[] {
  const help = program.createHelp()
  return help
    .visibleCommands(program)
    .filter((command) => command.name() !== 'help')
    .map((command) => ({
      name: command.name(),
      description: command.description(),
      options: help.visibleOptions(command).map(optionOf),
      args: command.registeredArguments.map(argumentOf),
    }))
}

function optionOf(option: Option): Completed {
  const takesValue = option.required || option.optional
  const value = takesValue ? completedValue(option.flags, option.argChoices) : 'none'
  return { flag: option.long ?? '', description: option.description, value }
}

function argumentOf(argument: Argument): Completed {
  const value = completedValue(argument.name(), argument.argChoices)
  return { flag: '', description: argument.description, value }
}

function completedValue(name: string, choices: readonly string[] | undefined): Completed['value'] {
  return choices ?? (/file|folder|path/.test(name) ? 'file' : 'other')
}

const choicesOf = ({ value }: Completed): readonly string[] =>
  typeof value === 'string' ? [] : value

/** Completes file names wherever nothing else fits: `compopt` is not in the bash of macOS. */
function bashScript(commands: readonly CompletedCommand[]): string {
  const wordsOf = ({ options, args }: CompletedCommand) =>
    [...args.flatMap(choicesOf), ...options.map(({ flag }) => flag)].join(' ')
  const values = commands.flatMap(({ name, options }) =>
    options
      .filter(({ value }) => value !== 'none')
      .map((option) => `    '${name} ${option.flag}') words='${choicesOf(option).join(' ')}' ;;`),
  )
  return `_cosell() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local command='' word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || { command=$word; break; }
  done
  case "$command" in
    '') words='${commands.map(({ name }) => name).join(' ')} --help --version' ;;
${commands.map((command) => `    '${command.name}') words='${wordsOf(command)}' ;;`).join('\n')}
  esac
  case "$command $previous" in
${values.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _cosell cosell
`
}

function zshScript(commands: readonly CompletedCommand[]): string {
  const action = (completed: Completed) =>
    completed.value === 'file' ? '_files' : `(${choicesOf(completed).join(' ')})`
  const label = (text: string) => quoted(text.replace(/[[\]:\\]/g, '\\$&'))
  const spec = (completed: Completed) => {
    const { flag, description, value } = completed
    if (flag === '') return `'1:${label(description)}:${action(completed)}'`
    return `'${flag}[${label(description)}]${value === 'none' ? '' : `:value:${action(completed)}`}'`
  }
  const specs = ({ options, args }: CompletedCommand) =>
    [...options, ...args.slice(0, 1)].map(spec).join(' ')
  return `#compdef cosell
_cosell() {
  local context state line
  local -a commands=(
${commands.map(({ name, description }) => `    '${name}:${label(description)}'`).join('\n')}
  )
  _arguments -C '--help' '--version' '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in
${commands.map((command) => `        ${command.name}) _arguments ${specs(command)} ;;`).join('\n')}
      esac ;;
  esac
}
compdef _cosell cosell
`
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, description, options, args }) => {
    const when = `complete -c cosell -n '__fish_seen_subcommand_from ${name}'`
    const words = (completed: Completed) =>
      completed.value === 'file' ? ' -F' : ` -a '${choicesOf(completed).join(' ')}'`
    return [
      `complete -c cosell -n __fish_use_subcommand -a ${name} -d '${fishQuoted(description)}'`,
      ...options.map((option) => {
        const value = option.value === 'none' ? '' : ` -r${words(option)}`
        const flag = option.flag.replace('--', '')
        return `${when} -l ${flag} -d '${fishQuoted(option.description)}'${value}`
      }),
      ...args.filter(({ value }) => value !== 'other').map((arg) => when + words(arg)),
    ]
  })
  return `complete -c cosell -f\n${lines.join('\n')}\n`
}

/** Returns a text for single quotes of bash and zsh. */
function quoted(text: string): string {
  return text.replaceAll("'", `'\\''`)
}

function fishQuoted(text: string): string {
  return text.replace(/['\\]/g, '\\$&')
}
