# wsl_route_backends: what src/route stands on: jansson for JSON, hiredis for Redis's protocol.
add_library(wsl_route_backends INTERFACE)
package(JANSSON "jansson>=2.13" REQUIRED)
package(HIREDIS "hiredis>=0.14" REQUIRED)
target_link_libraries(wsl_route_backends INTERFACE wsl_JANSSON wsl_HIREDIS)
