#include "driver/nginx/nginx_driver.h"
#include "driver/web_driver.h"

namespace swb::driver {

Result<std::unique_ptr<WebDriver>> makeWebDriver(Front front) {
    if (front == Front::nginx) return std::make_unique<NginxDriver>();
    return fail(ErrorCode::Unsupported, "there is no driver for the web front " + std::string(nameOf(front)),
                "use front: nginx");
}

}  // namespace swb::driver
