// larimar doctor: is this machine, and this way of starting the program, ready for a job?
#include <iostream>
#include <nlohmann/json.hpp>

#include "launch/commands.h"
#include "launch/doctor/machine.h"
#include "launch/doctor/ranks.h"

namespace larimar::launch {
namespace {

using doctor::Finding;

void append(std::vector<Finding>& all, std::vector<Finding> more) {
  for (Finding& finding : more) all.push_back(std::move(finding));
}

std::vector<Finding> examine(comm::Transport& transport, const DoctorCommand& command) {
  const std::vector<int> firsts = doctor::first_ranks_of_hosts(transport);
  const int rank = transport.rank(), first = firsts[static_cast<std::size_t>(rank)];
  std::vector<Finding> mine = doctor::compare_ranks(transport, command.setup.threads);
  if (first == rank) {
    const auto here = std::ranges::count(firsts, first);
    append(mine, doctor::look_at_host(transport.host(), static_cast<int>(here)));
  }
  append(mine, doctor::look_at_process(command.setup.threads));
  append(mine, doctor::compare_clocks(transport));
  append(mine, doctor::look_for_networks(command.setup));
  if (!command.folder.empty()) append(mine, doctor::try_folder(transport, command.folder));
  return mine;
}

}  // namespace

int doctor_command(comm::Transport& transport, const DoctorCommand& command) {
  transport.set_patience(command.setup.patience);
  const std::vector<Finding> mine = examine(transport, command);
  std::vector<std::vector<Finding>> by_rank;
  for (const std::string& text : transport.all_gather_strings(to_json(mine).dump()))
    by_rank.push_back(doctor::findings_from_json(text));
  const std::vector<Finding> all = doctor::join_ranks(by_rank);
  if (transport.rank() == 0 && command.json) {
    const nlohmann::json report{
        {"verdict", doctor::verdict_of(all)}, {"exit_code", doctor::exit_code_of(all)}, {"findings", to_json(all)}};
    std::cout << report.dump(2) << std::endl;
  } else if (transport.rank() == 0) {
    print_table(std::cout, all);
  }
  return doctor::exit_code_of(all);
}

}  // namespace larimar::launch
