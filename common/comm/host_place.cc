#include "common/comm/host_place.h"

#include <functional>
#include <map>

namespace larimar::comm {

std::uint64_t host_number(const std::string& host) { return std::hash<std::string>{}(host); }

std::vector<int> places_on_hosts(const std::vector<std::uint64_t>& hosts, const std::vector<char>& takes_part) {
  std::map<std::uint64_t, int> next;
  std::vector<int> places;
  for (std::size_t rank = 0; rank < hosts.size(); ++rank)
    places.push_back(takes_part[rank] != 0 ? next[hosts[rank]]++ : -1);
  return places;
}

int place_on_host(Transport& transport, bool takes_part) {
  const auto hosts = transport.all_gather_one(host_number(transport.host()));
  const auto taking = transport.all_gather_one(static_cast<char>(takes_part));
  return places_on_hosts(hosts, taking)[static_cast<std::size_t>(transport.rank())];
}

}  // namespace larimar::comm
