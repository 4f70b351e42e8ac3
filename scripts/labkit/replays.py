"""Shell scripts that log as real services do, for containers that have nothing but busybox.

A pause stands wherever a script turns from one stream to the other: an engine reads them from two
pipes, and would otherwise store them in any order.
"""

# mysql:5.7 on its first start: its entry point speaks on stdout, mysqld on stderr.
MYSQL = r"""
out() { printf '%s\n' "$@"; sleep 0.1; }
err() { printf '%s\n' "$@" >&2; sleep 0.1; }
out 'Initializing database'
warning='0 [Warning]'
err "2019-02-07T03:53:08.512874Z $warning TIMESTAMP with implicit DEFAULT value is deprecated." \
    "2019-02-07T03:53:09.264563Z $warning InnoDB: New log files created, LSN=45790" \
    "2019-02-07T03:53:09.366541Z $warning InnoDB: Creating foreign key constraint system tables." \
    "2019-02-07T03:53:09.428321Z $warning Gtid table is not ready to be used." \
    '2019-02-07T03:53:09.431006Z 1 [Warning] root@localhost is created with an empty password !'
out 'Database initialized' 'MySQL init process in progress...'
err '2019-02-07T03:53:13.087541Z 0 [Note] mysqld (mysqld 5.7.25) starting as process 1 ...'
out 'MySQL init process done. Ready for start up.'
err '2019-02-07T03:53:16.220914Z 0 [Note] mysqld: ready for connections.'
"""

# Until SIGTERM: the access log on stdout, what went wrong on stderr.
WEB = r"""
trap 'echo "[notice] signal 15 (SIGTERM) received, gracefully shutting down" >&2; exit 0' TERM
n=0
while [ $n -lt 300 ]; do
    case $((n % 4)) in
        0) page='GET /' status=200 ;;
        1) page='GET /static/whale.svg' status=304 ;;
        2) page='POST /api/orders' status=201 ;;
        3) page='GET /api/orders/417' status=502 ;;
    esac
    now=$(date -u '+%d/%b/%Y:%H:%M:%S +0000')
    echo "172.17.0.1 - - [$now] \"$page HTTP/1.1\" $status $((n * 37 % 900))"
    if [ $status = 502 ]; then
        sleep 0.05
        echo "[error] 7#7: *$n connect() failed (111: Connection refused) to upstream" >&2
    fi
    n=$((n + 1))
    sleep 0.3
done
"""

# JSON lines; the second is longer than the 16 KiB which an engine stores in one piece.
APP = r"""
echo '{"level":"info","msg":"worker started","queue":"thumbnails"}'
printf '{"level":"debug","msg":"job","args":["'
head -c 20000 /dev/zero | tr '\0' x
echo '"]}'
echo '{"level":"warn","msg":"retry in 5 s","attempt":2}'
"""

# With a TTY there is one stream, lines end in CRLF, and the program colours.
CONSOLE = r"""
printf 'migrate: \033[32mok\033[0m    0001_initial\n'
printf 'migrate: \033[31mfailed\033[0m 0002_add_index\n'
"""
