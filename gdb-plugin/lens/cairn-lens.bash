# Completion of cairn-lens in bash: commands and options, each asked of the program itself; files.
_cairn_lens() {
  local program=$1 current=$2 word command=
  local -a offered
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if "$program" -words 2>/dev/null | grep -qxFe "$word" && [[ $word != -* ]]; then
      command=$word
    fi
  done
  mapfile -t offered < <("$program" -words ${command:+"$command"} 2>/dev/null)
  if [[ $current != -* ]]; then
    # After a command come files (a second core) and addresses.
    [[ -z $command ]] || offered=()
    compopt -o default
  fi
  mapfile -t COMPREPLY < <(compgen -W "${offered[*]}" -- "$current")
}
complete -F _cairn_lens cairn-lens
