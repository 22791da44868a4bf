"""The engine alone: the wheel, our parameters, and nothing of Stoker.

    python benchmarks/bare.py PARAMETERS

Loads the model that the JSON object PARAMETERS names, then answers each line of standard input,
a chat completion's body, with one line: seconds, timings and text.
"""

import json
import os
import sys
import time

import xllamacpp

spec = json.loads(sys.argv[1])
params = xllamacpp.CommonParams()
params.model.path = spec["model"]
for name in ("n_ctx", "n_parallel", "n_threads_http", "n_batch", "n_ubatch"):
    setattr(params, name, spec[name])
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = spec["n_threads"]
params.cache_ram_mib = spec["cache_ram_mib"]
params.cache_idle_slots = spec["cache_ram_mib"] > 0
params.n_ctx_checkpoints = spec["n_ctx_checkpoints"]
params.no_extra_bufts = not spec["repack"]
modes = xllamacpp.llama_load_mode
params.load_mode = modes.LLAMA_LOAD_MODE_NONE if spec["repack"] else modes.LLAMA_LOAD_MODE_MMAP
params.kv_unified = params.fit_params = params.warmup = params.ui = False
params.verbosity = 2
server = xllamacpp.Server(params)

for line in sys.stdin:
    began = time.perf_counter()
    answer = server.handle_chat_completions(json.loads(line))
    took = time.perf_counter() - began
    if isinstance(answer, str | bytes):
        answer = json.loads(answer)
    text = answer["choices"][0]["message"]["content"]
    print(json.dumps({"s": took, "timings": answer["timings"], "text": text}), flush=True)
os._exit(0)  # the engine's destructor can hang
