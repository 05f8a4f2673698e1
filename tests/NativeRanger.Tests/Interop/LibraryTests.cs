using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger.Tests.Interop;

/// <summary>
/// The committed bindings against the libraries: every function is there, every struct lies in memory as it was compiled.
/// </summary>
public sealed class LibraryTests
{
    private const int Size = -1;

    public static TheoryData<string> ResponseFiles => Headers.ResponseFiles;

    public static TheoryData<string> Structures => [.. Enum.GetNames<nr_structure>()];

    [Theory]
    [MemberData(nameof(ResponseFiles))]
    public void Every_bound_function_is_exported_by_the_library(string responseFile)
    {
        var options = Headers.Options(responseFile);
        nint library = Load(options.Library);

        Assert.All(
            Headers.Functions(options),
            name => Assert.True(NativeLibrary.TryGetExport(library, name, out _), $"{name} is not exported.")
        );
    }

    [Theory]
    [MemberData(nameof(Structures))]
    public void Size_and_offsets_are_those_of_the_library(string structure)
    {
        int code = (int)Enum.Parse<nr_structure>(structure);
        var type = StructOf(structure);
        var fields = FieldsOf(type);

        Assert.Equal(Layout(code, Size), SizeOf(type));
        Assert.Equal(
            fields.Select((field, i) => (field.Name, Offset: Layout(code, i))),
            fields.Select(field => (field.Name, Offset: OffsetOf(type, field)))
        );
        Assert.Equal(-1, Layout(code, fields.Count));
    }

    [Fact]
    public void Every_struct_of_the_bindings_is_a_structure_of_nr_layout()
    {
        var structs = typeof(NativeMethods)
            .Assembly.GetTypes()
            .Where(type =>
                type is { IsValueType: true, IsEnum: false, IsNested: false }
                && type.Name.StartsWith("nr_", StringComparison.Ordinal)
                && !type.Name.StartsWith("nr_cuda_", StringComparison.Ordinal)
            );

        Assert.Equal(
            Enum.GetNames<nr_structure>().Select(name => StructOf(name).Name).Order(StringComparer.Ordinal),
            structs.Select(type => type.Name).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Elements_of_an_array_of_pointers_are_reached_by_their_index()
    {
        unsafe
        {
            var tensor = default(nr_tensor);

            tensor.state[2] = &tensor;

            Assert.True(tensor.state.e2 == &tensor);
            Assert.True(tensor.state.e1 == null && tensor.state.e3 == null);
        }
    }

    // Libraries stay loaded: the process that runs the tests uses them anyway.
    private static nint Load(string library) =>
        NativeLibrary.Load(
            Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", $"lib{library}.so")
        );

    // Not through the bindings, whose declaration is itself under test.
    private static unsafe long Layout(int structure, int field)
    {
        nint layout = NativeLibrary.GetExport(Load("nativeranger"), "nr_layout");
        return ((delegate* unmanaged[Cdecl]<int, int, long>)layout)(structure, field);
    }

    private static Type StructOf(string structure)
    {
        string name = structure.Replace("NR_STRUCT_", "nr_", StringComparison.Ordinal).ToLowerInvariant();
        return typeof(NativeMethods).Assembly.GetType($"NativeRanger.Interop.{name}", throwOnError: true)!;
    }

    // Reflection promises no order, but metadata tokens are given in the order of declaration.
    private static List<FieldInfo> FieldsOf(Type type) =>
        [.. type.GetFields(BindingFlags.Instance | BindingFlags.Public).OrderBy(field => field.MetadataToken)];

    private static long SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    // The layout that managed code uses, which Marshal.OffsetOf does not tell: &pointer->field - pointer.
    private static long OffsetOf(Type type, FieldInfo field)
    {
        var method = new DynamicMethod("OffsetOf", typeof(long), [typeof(nint)], type.Module, skipVisibility: true);
        var code = method.GetILGenerator();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Ldflda, field);
        code.Emit(OpCodes.Conv_U);
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Sub);
        code.Emit(OpCodes.Conv_I8);
        code.Emit(OpCodes.Ret);

        unsafe
        {
            void* memory = NativeMemory.Alloc((nuint)SizeOf(type));
            try
            {
                return method.CreateDelegate<Func<nint, long>>()((nint)memory);
            }
            finally
            {
                NativeMemory.Free(memory);
            }
        }
    }
}
