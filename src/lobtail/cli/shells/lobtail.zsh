#compdef lobtail
# Completion of lobtail for zsh; made by 'lobtail completion zsh'.

_lobtail() {
    local kind word help
    local -a found more
    while IFS=$'\t' read -r kind word help; do
        case $kind in
            # _describe takes what is behind a colon for the help.
            word) found+=("${word//:/\\:}${help:+:$help}") ;;
            part) more+=("$word") ;;
            file | dir)
                [[ -n $word ]] && compset -P "${(b)word}"
                [[ $kind == dir ]] && _files -/ || _files
                return
                ;;
        esac
    done < <("${(Q)words[1]/#\~/$HOME}" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    (( $#more )) && compadd -Q -S '' -- "${(@q)more}"
    (( $#found )) && _describe -V lobtail found
}

# Read by compinit from a folder of fpath, the file is the function; else it is defined here.
if [[ ${funcstack[1]} == _lobtail ]]; then
    _lobtail "$@"
elif (( $+functions[compdef] )); then
    compdef _lobtail lobtail
else
    print -u2 "lobtail: completion needs 'autoload -Uz compinit && compinit' before it"
fi
