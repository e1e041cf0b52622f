"""`headrace generate`: files for other programs; today the completion of a shell."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from headrace.model.failure import ExitCode, Failure

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

SCRIPTS: Final = {
    "bash": """_headrace_completion() {
    local IFS=$'\\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _HEADRACE_COMPLETE=complete_bash $1 ) )
}
complete -o default -F _headrace_completion headrace""",
    "zsh": """#compdef headrace
_headrace_completion() {
    eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _HEADRACE_COMPLETE=complete_zsh headrace)
}
compdef _headrace_completion headrace""",
    "fish": """function _headrace_complete
    env _HEADRACE_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] \\
        _TYPER_COMPLETE_ARGS=(commandline -cp) headrace
end
complete --command headrace --no-files --arguments "(_headrace_complete get-args)" \\
    --condition "_headrace_complete is-args\"""",
}
"""The shell asks the command itself, through variables that typer reads."""


@app.callback()
def generate() -> None:
    """Files for other programs."""


@app.command("completion")
def completion(shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish")]) -> None:
    """Print the completion of a shell.

    For bash: source <(headrace generate completion bash)
    """
    if shell not in SCRIPTS:
        raise Failure(
            "no completion for this shell", shell, f"use one of {', '.join(SCRIPTS)}", ExitCode.USAGE
        )
    sys.stdout.write(SCRIPTS[shell] + "\n")
