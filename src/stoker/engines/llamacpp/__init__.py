"""llama.cpp through the wheel `xllamacpp`: one child process for each loaded model."""
