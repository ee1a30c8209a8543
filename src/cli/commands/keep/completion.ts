import { Argument, type Command } from 'commander'
import { type CompletionShell, completionScript, completionShells } from '../../completion.ts'
import { addCommand, examples } from '../../help.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'

/** Adds the command that prints completion scripts. */
export function addCompletion(program: Command) {
  addCommand(
    program,
    'completion',
    'Print a script that completes commands and options in a shell.',
  )
    .addArgument(new Argument('<shell>', 'shell to complete in').choices(completionShells))
    .addHelpText(
      'after',
      examples(
        'cosell completion fish > ~/.config/fish/completions/cosell.fish',
        'source <(cosell completion bash)',
        'source <(cosell completion zsh)',
      ),
    )
    .action((shell: CompletionShell, { json }: JsonFlag) => {
      const script = completionScript(shell, program)
      printAnswer(json, { status: 'ok', shell, script }, () => script.trimEnd())
    })
}
