#pragma once
#include <vector>

#include "common/comm/transport.h"

namespace larimar::comm {

/// Of the ranks that take part, those of one host are counted from 0 in rank order; -1 for a rank that does not.
/// Shapes  hosts [ranks], takes_part [ranks]; returns [ranks]. Local.
[[nodiscard]] std::vector<int> places_on_hosts(const std::vector<std::uint64_t>& hosts,
                                               const std::vector<char>& takes_part);

/// This rank's place on its host. Calls: collective; two all_gathers of a few bytes.
[[nodiscard]] int place_on_host(Transport& transport, bool takes_part);

/// A host's name as ranks compare it. Local.
[[nodiscard]] std::uint64_t host_number(const std::string& host);

}  // namespace larimar::comm
