# Completion of lobtail for bash; made by 'lobtail completion bash'.

_lobtail() {
    local program=${1/#\~/$HOME} kind word help path goes_on=
    COMPREPLY=()
    # The line up to the cursor: bash's own words are split at = and : too.
    while IFS=$'\t' read -r kind word help; do
        case $kind in
            word) COMPREPLY+=("$word") ;;
            part)
                COMPREPLY+=("$word")
                goes_on=1
                ;;
            file | dir)
                # What is completed is the part behind --file=, or the whole word.
                compopt -o filenames 2>/dev/null
                while IFS= read -r path; do
                    COMPREPLY+=("$path")
                done < <(compgen -A "${kind/dir/directory}" -- "$2")
                ;;
        esac
    done < <("$program" __complete bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    if [[ -n $goes_on ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

# Before 4.4 bash always sorts.
complete -o nosort -F _lobtail lobtail 2>/dev/null || complete -F _lobtail lobtail
