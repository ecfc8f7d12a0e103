# SPDX-License-Identifier: Apache-2.0
#
# Completion of `stele` for bash. What there is to offer, the tool knows best: it is asked with the words so far.

_stele()
{
    local line="${COMP_LINE:0:COMP_POINT}" cut="" candidate
    local -a words

    # Words between blanks. (Bash itself would also cut at ':' and '=', which names are full of.)
    read -r -a words <<<"$line"
    [[ $line == *[[:blank:]] ]] && words+=("")

    COMPREPLY=()
    while IFS= read -r candidate; do
        case "$candidate" in
        :files) compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "${words[-1]}") ;;
        :folders) compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "${words[-1]}") ;;
        *) COMPREPLY+=("$(printf '%q' "$candidate")") ;;
        esac
    done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)

    # Bash replaces only what follows the last ':' or '=': so that is all it may be given.
    case "${words[-1]}" in
    *[:=]*) cut="${words[-1]%"${words[-1]##*[:=]}"}" ;;
    esac
    [[ -n $cut ]] && COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _stele stele
