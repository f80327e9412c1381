#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"
#include "launch/commands.h"
#include "launch/options.h"
#include "launch/setup.h"

namespace larimar::launch {
namespace {

namespace fs = std::filesystem;

/// By its first bytes: names lie.
enum class FileKind { kZip, kGguf };

FileKind kind_of(const fs::path& path) {
  const base::MappedFile file(path);
  if (file.text().starts_with("GGUF")) return FileKind::kGguf;
  if (file.text().starts_with("PK\x03\x04")) return FileKind::kZip;
  throw base::FormatError(
      path.string() +
      " is neither a GGUF file nor a zip of torch.save; known are GGUF files of the Llama family and "
      "Larimar checkpoints (.ckpt of PyTorch Lightning)");
}

std::vector<std::string> arguments_of(const ConvertCommand& command, FileKind kind, const fs::path& tools) {
  const bool gguf = kind == FileKind::kGguf;
  std::vector<std::string> words{"python3", (tools / (gguf ? "convert_gguf.py" : "convert_larimar.py")).string(),
                                 command.file.string(), command.out.string()};
  if (gguf) return words;
  if (command.encoder_tokenizer.empty() || command.decoder_tokenizer.empty()) {
    throw base::UsageError(
        "a checkpoint holds no tokenizers: name the folders of BERT's and GPT-2's with "
        "--encoder-tokenizer and --decoder-tokenizer");
  }
  words.insert(words.end(),
               {"--encoder-tokenizer", command.encoder_tokenizer.string(), "--decoder-tokenizer",
                command.decoder_tokenizer.string(), "--segment-tokens", std::to_string(command.segment_tokens)});
  if (command.encoder_heads > 0) words.insert(words.end(), {"--encoder-heads", std::to_string(command.encoder_heads)});
  if (command.decoder_heads > 0) words.insert(words.end(), {"--decoder-heads", std::to_string(command.decoder_heads)});
  if (command.no_past) words.emplace_back("--no-past");
  if (command.no_embedding) words.emplace_back("--no-embedding");
  return words;
}

/// Debian's Python has the numpy that launch/install.sh installed; any other one is second choice.
void become(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv("/usr/bin/python3", pointers.data());
  ::execvp("python3", pointers.data());
}

}  // namespace

void add_convert_options(CLI::App& app, ConvertCommand& command) {
  app.add_option("file", command.file, "Larimar checkpoint (.ckpt) or GGUF file")->required();
  app.add_option("out", command.out, "new folder")->required();
  app.add_option("--encoder-tokenizer", command.encoder_tokenizer, "checkpoints: folder of the BERT tokenizer");
  app.add_option("--decoder-tokenizer", command.decoder_tokenizer,
                 "checkpoints: folder of the GPT-2 tokenizer with PAD, BOS and EOS added");
  app.add_option("--encoder-heads", command.encoder_heads, "attention heads of the encoder (default: width / 64)");
  app.add_option("--decoder-heads", command.decoder_heads, "attention heads of the decoder (default: width / 64)");
  app.add_option("--segment-tokens", command.segment_tokens, "tokens of a segment, [CLS] and [SEP] included")
      ->capture_default_str();
  app.add_flag("--no-past", command.no_past, "the decoder takes no past position from the code");
  app.add_flag("--no-embedding", command.no_embedding, "the decoder adds nothing of the code to its embeddings");
}

int convert_command(const ConvertCommand& command) {
  const fs::path tools = home_folder() / "tools";
  if (!fs::exists(tools / "convert_larimar.py"))
    throw base::ConfigError("the converters are not in " + tools.string() +
                            "; set LARIMAR_HOME to the project's folder");
  std::vector<std::string> words = arguments_of(command, kind_of(command.file), tools);
  const char* given = std::getenv("PYTHONPATH");
  const std::string path = (deps_folder() / "python").string() + (given != nullptr ? ":" + std::string(given) : "");
  ::setenv("PYTHONPATH", path.c_str(), 1);
  become(words);
  throw base::ConfigError("python3 cannot be started; install the packages python3 and python3-numpy");
}

}  // namespace larimar::launch
