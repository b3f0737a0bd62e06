
import atexit, sys, time
if "--events" in sys.orig_argv:
    import engine.__main__ as process
    import engine.train as training
    spent = {"telling": 0.0, "checkpoints": 0.0}

    def counted(function, what):
        def call(*arguments):
            begin = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                spent[what] += time.perf_counter() - begin
        return call

    training.save_state = counted(training.save_state, "checkpoints")
    real = training.train
    training.train = lambda request, *, emit, should_stop: real(
        request, emit=counted(emit, "telling"), should_stop=should_stop
    )
    atexit.register(lambda: sys.stderr.write(f"SPENT {spent['telling']} {spent['checkpoints']}\n"))
