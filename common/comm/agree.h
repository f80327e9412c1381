#pragma once
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "common/base/error.h"
#include "common/comm/transport.h"

namespace larimar::comm {

/// An error that every rank of the group knows: all of them end by themselves, with the same exit code.
struct AgreedError : base::Error {
  using base::Error::Error;
};

/// Turns an error of one rank into the same end for all. Returns if no rank has an error. Otherwise every rank throws an
/// AgreedError with the exit code and text of the lowest failing rank; with several ranks "rank N on HOST: " stands before it.
/// Calls: collective; one all_gather of 8 bytes, and only after an error a broadcast of the text.
void agree(Transport& transport, const base::Error* mine);

/// What the exception means as an error of the program; null for no exception. A CommError is thrown on at once, since
/// after it the ranks can no longer talk. Call inside no handler. Throws CommError.
std::optional<base::Error> as_error(const std::exception_ptr& exception);

/// Runs `work` here and then agrees, so that all ranks go on or none does. Returns what `work` returned.
/// Calls: collective (see agree), after whatever `work` calls. `work` must not leave a collective of its own half done.
/// Throws base::Error, equal on all ranks; CommError as it came.
template <class Work>
auto together(Transport& transport, Work&& work) -> std::invoke_result_t<Work> {
  using Result = std::invoke_result_t<Work>;
  std::exception_ptr exception;
  std::conditional_t<std::is_void_v<Result>, std::optional<bool>, std::optional<Result>> result;
  try {
    if constexpr (std::is_void_v<Result>) {
      std::invoke(std::forward<Work>(work));
    } else {
      result.emplace(std::invoke(std::forward<Work>(work)));
    }
  } catch (...) {
    exception = std::current_exception();
  }
  const std::optional<base::Error> error = as_error(exception);
  agree(transport, error ? &*error : nullptr);
  if constexpr (!std::is_void_v<Result>) return std::move(*result);
}

}  // namespace larimar::comm
