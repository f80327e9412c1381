#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "common/comm/transport.h"

namespace larimar::launch {

/// Texts from one rank to another, point to point: how many, their sizes, their bytes. The tags belong to these messages.
void send_texts(comm::Transport& transport, std::span<const std::string> texts, int to);
/// Throws CommError if the sizes cannot be those of texts (more than 4 GiB in all).
[[nodiscard]] std::vector<std::string> receive_texts(comm::Transport& transport, int from);

}  // namespace larimar::launch
