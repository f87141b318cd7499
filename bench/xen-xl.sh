# Answers lines of its input with the microseconds that xl has taken: "create", "run", "pause N", "destroy", "list N".
micros() { echo "${EPOCHREALTIME/./}"; }
while read -r what times; do
  begun=$(micros)
  case $what in
    # -p: paused; -e: it leaves nobody behind who waits for the guest's end.
    create) xl create -q -p -e "$1" ;;
    run) xl create -q -e "$1" ;;
    pause) for ((i = 0; i < times; i++)); do xl pause xl && xl unpause xl; done ;;
    destroy) xl destroy xl ;;
    list) for ((i = 0; i < times; i++)); do xl list > /dev/null; done ;;
  esac || exit
  echo $(($(micros) - begun))
done
