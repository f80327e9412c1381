// What works on the files of evaluations alone, in one process.
#include <iostream>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/context.h"
#include "eval/dataset.h"
#include "eval/export.h"
#include "eval/merge.h"
#include "eval/results.h"
#include "eval/run_file.h"
#include "eval/runner.h"
#include "eval/summary.h"
#include "launch/commands.h"

namespace larimar::launch {
namespace {

namespace fs = std::filesystem;

// Removed with everything in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "larimar-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw base::Error(base::ExitCode::kCannotCreate, "cannot make a folder in " + fs::temp_directory_path().string());
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string joined(const std::vector<fs::path>& documents) {
  std::string text;
  for (const fs::path& document : documents) text += base::read_file(document);
  return text;
}

void show_context(const EvalFilesCommand& command) {
  const nlohmann::json row = eval::row_of(command.path / "results.jsonl", command.row);
  if (!command.out.empty()) {
    base::make_folder(command.out);
    base::write_file(command.out / "context.txt", joined(eval::reconstruct(row, command.out, command.haystack)));
    return;
  }
  const ScratchFolder scratch;
  std::cout << joined(eval::reconstruct(row, scratch.path(), command.haystack)) << std::flush;
}

void validate(const fs::path& file) {
  if (fs::is_directory(file)) {
    std::cout << file.string() << ": valid, " << eval::validate_results(file) << " rows\n";
    return;
  }
  const eval::RunSpec spec = eval::read_run_file(file);
  std::vector<eval::Task> tasks;
  for (const eval::Preset& preset : spec.tasks) tasks.push_back(eval::make_task(preset));
  std::cout << file.string() << ": valid, " << eval::list_units(tasks, spec.scope).size() << " contexts\n";
}

}  // namespace

int eval_files_command(const EvalFilesCommand& command) {
  if (command.action == "merge") {
    const std::size_t rows = eval::merge_parts(command.path);
    std::cout << eval::to_markdown(eval::write_summary(command.path)) << rows << " rows\n";
  } else if (command.action == "reconstruct") {
    show_context(command);
  } else if (command.action == "validate") {
    validate(command.path);
  } else if (command.action == "import") {
    std::cout << eval::import_dataset(command.path, command.format, command.out) << " items\n";
  } else {
    std::cout << eval::export_results(command.path, command.format, command.out) << " rows\n";
  }
  return 0;
}

}  // namespace larimar::launch
