#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>

#include "base/log.h"
#include "net/detail/asio.h"

namespace swb::net::detail {

void logEscaped(std::exception_ptr exception) {
    if (!exception) return;
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& thrown) {
        logError("net", "a connection ended with an exception: {}", thrown.what());
    }
}

}  // namespace swb::net::detail
